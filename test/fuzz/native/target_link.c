/*
 * Bytes on the links of a firmware without a program: framing, checksums, packets in frames.
 * Input, again and again: a head, then what it says.
 *   0x00 to 0x7f  so many bytes on USB as they are
 *   0x80 to 0xbf  a frame with a right checksum, of as many bytes (one byte more tells the rest)
 *   0xc0 to 0xdf  time passes
 *   0xe0 to 0xff  a link opens or closes; the next input is the UART's
 */
#include <string.h>

#include "bus/internal.h"
#include "firmware/firmware.h"
#include "fuzz.h"
#include "targets.h"

#define HEAP_BYTES 4096u
#define MOST_TURNS 400u

static rt_hal_link_t link;

static void send_some(fuzz_input_t *input, uint32_t head) {
  uint8_t bytes[128];
  const size_t size = fuzz_take(input, bytes, head & 0x7fu);
  fuzz_send(link, bytes, size);
}

static void send_sound_frame(fuzz_input_t *input, uint32_t head) {
  uint8_t frame[RT_FRAME_MAX_BYTES + 8u] = {0};
  size_t size = RT_FRAME_HEADER_BYTES + (head & 0x3fu) + fuzz_take8(input);
  if (size > sizeof frame) size = sizeof frame;
  fuzz_take(input, frame + 2, size - 2);
  rt_bus_store16(frame, rt_frame_crc(frame + 2, size - 2));
  fuzz_send_frame(link, frame, size);
}

static void step(fuzz_input_t *input) {
  const uint32_t head = fuzz_take8(input);
  if (head < 0x80u) {
    send_some(input, head);
  } else if (head < 0xc0u) {
    send_sound_frame(input, head);
  } else if (head < 0xe0u) {
    fuzz_advance((head & 0x1fu) * 20000u);
  } else {
    link = (rt_hal_link_t)(head & 1u);
    fuzz_open(link, head & 2u);
  }
}

static void run_all(void *context) {
  fuzz_input_t *input = context;
  const rt_firmware_config_t config = {.heap = fuzz_heap(HEAP_BYTES), .heap_bytes = HEAP_BYTES};
  FUZZ_CHECK(rt_firmware_init(&config) == RT_OK);
  for (uint32_t turn = 0; turn < MOST_TURNS && fuzz_left(input) > 0; turn++) {
    step(input);
    rt_firmware_poll(rt_hal_now_us());
  }
}

void fuzz_link(const uint8_t *data, size_t size) {
  fuzz_input_t input = {data, data + size};
  rt_learner_setup = NULL;
  link = RT_HAL_LINK_USB;
  fuzz_power_on(2);
  /* A packet may tell the board to reset: it goes on as after a boot. */
  for (uint32_t boots = 0; boots < 4 && fuzz_run(run_all, &input); boots++) fuzz_reboot();
}
