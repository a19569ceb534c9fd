#include "bus/internal.h"

/* A table of 16 rather than 256 words: frames are short and rare, flash is not free. */
static const uint16_t CRC_TABLE[16] = {0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5,
                                       0x60c6, 0x70e7, 0x8108, 0x9129, 0xa14a, 0xb16b,
                                       0xc18c, 0xd1ad, 0xe1ce, 0xf1ef};

static uint32_t crc_nibble(uint32_t crc, uint32_t nibble) {
  return (crc << 4 ^ CRC_TABLE[(crc >> 12 & 15u) ^ nibble]) & 0xffffu;
}

uint16_t rt_frame_crc(const uint8_t *bytes, size_t size) {
  uint32_t crc = 0xffffu;
  for (size_t i = 0; i < size; i++) {
    crc = crc_nibble(crc, bytes[i] >> 4);
    crc = crc_nibble(crc, bytes[i] & 15u);
  }
  return (uint16_t)crc;
}

size_t rt_frame_write(uint8_t *frame, const rt_packet_t *packet) {
  const size_t padded = (packet->size + 3u) & ~(size_t)3u;
  uint8_t *body = frame + RT_FRAME_HEADER_BYTES;
  frame[2] = (uint8_t)(RT_FRAME_PACKET_HEADER_BYTES + padded);
  frame[3] = packet->flags;
  rt_bus_store64(frame + 4, packet->device_id);
  body[0] = packet->size;
  body[1] = packet->service_index;
  rt_bus_store16(body + 2, packet->command);
  rt_bus_copy(body + 4, packet->payload, packet->size);
  for (size_t i = packet->size; i < padded; i++) body[4 + i] = 0;
  const size_t size = RT_FRAME_HEADER_BYTES + RT_FRAME_PACKET_HEADER_BYTES + padded;
  rt_bus_store16(frame, rt_frame_crc(frame + 2, size - 2));
  return size;
}

rt_status_t rt_frame_check(const uint8_t *frame, size_t size) {
  if (size < RT_FRAME_HEADER_BYTES + RT_FRAME_PACKET_HEADER_BYTES) return RT_ERROR_ARGUMENT;
  if (size < RT_FRAME_HEADER_BYTES + (size_t)frame[2]) return RT_ERROR_ARGUMENT;
  const size_t bytes = RT_FRAME_HEADER_BYTES + (size_t)frame[2];
  if (rt_frame_crc(frame + 2, bytes - 2) != rt_bus_load16(frame)) return RT_ERROR_ARGUMENT;
  return RT_OK;
}
