/*
 * fuzz IMAGE SEED ROUNDS: boots the whole firmware with a program and sends it frames that are
 * sums of accidents: right checksums, plausible addresses and codes, payloads of any bytes; between
 * them damaged frames and noise. Meant for builds with sanitizers. Prints what it has done.
 */
#define rt_hal_link_is_open host_link_is_open
#define rt_hal_link_read host_link_read
#define rt_hal_link_write host_link_write
#include "hal/host/machine.c"
#undef rt_hal_link_is_open
#undef rt_hal_link_read
#undef rt_hal_link_write

#include <stdio.h>
#include <setjmp.h>
#include <stdlib.h>

#include "bus/internal.h"
#include "firmware/firmware.h"

#define HEAP_BYTES 49152u
#define FRAMES 600u
#define INPUT_BYTES 65536u

static struct {
  uint32_t random;
  uint8_t input[INPUT_BYTES];
  size_t input_at, input_bytes;
  uint64_t sent_bytes, frames, resets;
  uint32_t panics;
} fuzz;

static jmp_buf leave;
_Noreturn void rt_host_leave(void) { longjmp(leave, 1); }

static uint32_t below(uint32_t limit) {
  fuzz.random = fuzz.random * 1664525u + 1013904223u;
  return (fuzz.random >> 8) % limit;
}

/* ---- The link ---- */

uint32_t rt_hal_link_is_open(rt_hal_link_t link) { return link == RT_HAL_LINK_USB; }

size_t rt_hal_link_read(rt_hal_link_t link, uint8_t *bytes, size_t capacity) {
  if (link != RT_HAL_LINK_USB) return 0;
  size_t count = 0;
  while (count < capacity && fuzz.input_at < fuzz.input_bytes) {
    bytes[count++] = fuzz.input[fuzz.input_at++];
  }
  return count;
}

size_t rt_hal_link_write(rt_hal_link_t link, const uint8_t *bytes, size_t size) {
  (void)link, (void)bytes;
  const size_t taken = below(4) == 0 ? below((uint32_t)size + 1u) : size;
  fuzz.sent_bytes += taken;
  return taken;
}

/* ---- Frames ---- */

static void put(uint8_t byte) {
  if (fuzz.input_bytes < sizeof fuzz.input) fuzz.input[fuzz.input_bytes++] = byte;
}

static void put_frame(const uint8_t *frame, size_t size) {
  put(0xfe), put(0xfc);
  for (size_t i = 0; i < size; i++) {
    put(frame[i]);
    if (frame[i] == 0xfe) put(0xf8);
  }
  put(0xfe), put(0xfd);
  fuzz.frames++;
}

static const uint64_t REMOTE[] = {0x1111111111111111u, 0x2222222222222222u, 0x3333333333333333u};
/* Switch, button, accelerometer, light bulb, I2C, deploy: what the program has roles and servers for. */
static const uint32_t CLASSES[] = {0x1ad29402u, 0x1473a263u, 0x1f140409u,
                                   0x1cab054cu, 0x1c18ca43u, 0x1134ea2bu};
static const uint16_t CODES[] = {0x0000, 0x0003, 0x0080, 0x0081, 0x1101, 0x1001, 0x1180, 0x1182,
                                 0x110a, 0x1109, 0x2001, 0x2003, 0x2080, 0x2081, 0x8001, 0x8103,
                                 0x8281, 0x80ff, 0x0082, 0x3fff, 0x1183};
#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof *(list)))

static uint64_t any_device(void) {
  switch (below(8)) {
    case 0:
      return rt_bus_device_id();
    case 1:
      return rt_bus_server_id();
    case 2:
      return CLASSES[below(COUNT(CLASSES))];
    default:
      return REMOTE[below(COUNT(REMOTE))];
  }
}

static void any_payload(uint8_t *payload, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; i++) payload[i] = (uint8_t)below(256);
}

static void put_announcement(void) {
  uint8_t payload[4u * 20u], frame[RT_FRAME_MAX_BYTES];
  const uint32_t count = 1u + below(19);
  rt_bus_store32(payload, 0x100u | below(16));
  for (uint32_t i = 1; i < count; i++) {
    rt_bus_store32(payload + 4u * i, CLASSES[below(COUNT(CLASSES))]);
  }
  const rt_packet_t packet = {
      .device_id = any_device(), .size = (uint8_t)(4u * count), .payload = payload};
  put_frame(frame, rt_frame_write(frame, &packet));
}

static void put_packet(void) {
  uint8_t payload[RT_BUS_MAX_PAYLOAD_BYTES], frame[RT_FRAME_MAX_BYTES];
  static const uint8_t SIZES[] = {0, 1, 2, 3, 4, 6, 8, 12, 24, 236};
  const uint32_t size = below(3) == 0 ? below(237) : SIZES[below(COUNT(SIZES))];
  any_payload(payload, size);
  const rt_packet_t packet = {
      .device_id = any_device(),
      .command = below(6) == 0 ? (uint16_t)below(65536) : CODES[below(COUNT(CODES))],
      .flags = (uint8_t)(below(3) == 0 ? below(8) : below(2)),
      .service_index = (uint8_t)(below(8) == 0 ? below(64) : below(5)),
      .size = (uint8_t)size,
      .payload = payload,
  };
  const size_t bytes = rt_frame_write(frame, &packet);
  /* Sizes of packets that do not fit their frame, under a right checksum. */
  if (below(10) == 0) {
    frame[12 + below((uint32_t)bytes - 12u)] = (uint8_t)below(256);
    rt_bus_store16(frame, rt_frame_crc(frame + 2, bytes - 2));
  }
  if (below(20) == 0) frame[below((uint32_t)bytes)] ^= 0x40;
  put_frame(frame, bytes);
}

static void put_any(void) {
  switch (below(12)) {
    case 0:
    case 1:
      put_announcement();
      return;
    case 2:
      for (uint32_t i = below(40); i > 0; i--) put((uint8_t)(below(3) == 0 ? 0xfc + below(3) : 65));
      return;
    default:
      put_packet();
  }
}

/* ---- One boot ---- */

static void run_boot(const uint8_t *image, size_t bytes, void *heap) {
  const rt_firmware_config_t config = {
      .heap = heap, .heap_bytes = HEAP_BYTES, .program = image, .program_bytes = bytes};
  rt_host_power_on(fuzz.random);
  if (setjmp(leave) != 0) { /* a packet told it to */
    fuzz.resets++;
    return;
  }
  if (rt_firmware_init(&config) != RT_OK) abort();
  for (uint32_t i = 0; i < FRAMES; i++) {
    fuzz.input_at = fuzz.input_bytes = 0;
    for (uint32_t k = below(6); k > 0; k--) put_any();
    const uint64_t now_us = rt_hal_now_us();
    const uint64_t next_us = rt_firmware_poll(now_us);
    fuzz.panics += rt_vm_state() == RT_VM_PANICKED;
    rt_host_advance(now_us + below(20000));
    if (below(4) == 0) rt_host_advance(next_us < now_us + 100000u ? next_us : now_us);
  }
}

int main(int count, char **arguments) {
  static uint64_t image[8192], heap[HEAP_BYTES / 8u];
  if (count != 4) return 2;
  FILE *file = fopen(arguments[1], "rb");
  if (file == NULL) return 2;
  const size_t bytes = fread(image, 1, sizeof image, file);
  fclose(file);
  fuzz.random = (uint32_t)strtoul(arguments[2], NULL, 10);
  for (long round = strtol(arguments[3], NULL, 10); round > 0; round--) {
    run_boot((const uint8_t *)image, bytes, heap);
  }
  printf("%llu frames, %llu bytes sent, %llu resets, %u polls panicked\n",
         (unsigned long long)fuzz.frames, (unsigned long long)fuzz.sent_bytes,
         (unsigned long long)fuzz.resets, fuzz.panics);
  return 0;
}
