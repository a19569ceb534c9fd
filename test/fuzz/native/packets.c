#include "packets.h"

#include "bus/bus.h"
#include "bus/internal.h"

#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof *(list)))

static const uint64_t remote[] = {0x1111111111111111u, 0x2222222222222222u, 0x3333333333333333u};
/* Switch, button, accelerometer, light bulb, I2C, deploy: what the program has roles and servers
 * for. */
static const uint32_t classes[] = {0x1ad29402u, 0x1473a263u, 0x1f140409u,
                                   0x1cab054cu, 0x1c18ca43u, 0x1134ea2bu};
static const uint16_t codes[] = {0x0000, 0x0003, 0x0080, 0x0081, 0x1101, 0x1001, 0x1180,
                                 0x1182, 0x110a, 0x1109, 0x2001, 0x2003, 0x2080, 0x2081,
                                 0x8001, 0x8103, 0x8281, 0x80ff, 0x0082, 0x3fff, 0x1183};

static uint64_t pick_device(uint32_t choice) {
  switch (choice & 7u) {
    case 0:
      return rt_bus_device_id();
    case 1:
      return rt_bus_server_id();
    case 2:
      return classes[(choice >> 3) % COUNT(classes)];
    default:
      return remote[(choice >> 3) % COUNT(remote)];
  }
}

void fuzz_send_packet(fuzz_input_t *input) {
  uint8_t payload[RT_BUS_MAX_PAYLOAD_BYTES], frame[RT_FRAME_MAX_BYTES];
  const uint64_t device = pick_device(fuzz_take8(input));
  const uint32_t code = fuzz_take16(input), choices = fuzz_take8(input);
  const uint32_t index = fuzz_take8(input) & 0x3fu;
  uint32_t size = fuzz_take8(input);
  if (size > sizeof payload) size = sizeof payload;
  const rt_packet_t packet = {
      .device_id = device,
      .command = choices & 0x80u ? (uint16_t)code : codes[code % COUNT(codes)],
      .flags = choices & 0x47u,
      .service_index = (uint8_t)index,
      .size = (uint8_t)fuzz_take(input, payload, size),
      .payload = payload,
  };
  const size_t bytes = rt_frame_write(frame, &packet);
  fuzz_send_frame(choices & 0x20u ? RT_HAL_LINK_UART : RT_HAL_LINK_USB, frame, bytes);
}

void fuzz_send_announcement(fuzz_input_t *input) {
  uint8_t payload[4u * 20u], frame[RT_FRAME_MAX_BYTES];
  const uint64_t device = pick_device(fuzz_take8(input));
  const uint32_t choices = fuzz_take16(input), count = 1u + choices % 19u;
  rt_bus_store32(payload, 0x100u | choices >> 12);
  for (uint32_t i = 1; i < count; i++) {
    rt_bus_store32(payload + 4u * i, classes[(choices + i) % COUNT(classes)]);
  }
  const rt_packet_t packet = {
      .device_id = device, .size = (uint8_t)(4u * count), .payload = payload};
  fuzz_send_frame(RT_HAL_LINK_USB, frame, rt_frame_write(frame, &packet));
}
