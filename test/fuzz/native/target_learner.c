/*
 * Commands, registers and sound for the modules of a firmware with a model: capture, learner and
 * the small ones. They come as the script's own packets do. Input, again and again: a head, then
 * what it says.
 *   0x00 to 0x7f  a command or register access: code, payload
 *   0x80 to 0x9f  sound
 *   0xa0 to 0xcf  time passes
 *   0xd0 to 0xdf  the script restarts
 *   0xe0 to 0xef  a pin, the converter
 *   0xf0 to 0xff  the power is cut at a flash operation to come, or now
 */
#include <string.h>

#include "bus/bus.h"
#include "bus/internal.h"
#include "firmware/firmware.h"
#include "fuzz.h"
#include "services/service.h"
#include "targets.h"

#define HEAP_BYTES 4096u
#define MOST_TURNS 250u

static void command(fuzz_input_t *input, uint32_t head) {
  static const uint16_t kinds[] = {0x0000, 0x1000, 0x2000, 0x0000};
  uint8_t payload[RT_BUS_MAX_PAYLOAD_BYTES];
  const uint32_t code = fuzz_take8(input), size = fuzz_take8(input);
  uint32_t number = code & 0x7fu;
  if (code < 0x80u) number |= head & 0x40u ? 0x180u : 0x080u;
  const rt_packet_t packet = {
      .device_id = rt_bus_device_id(),
      .command = (uint16_t)(kinds[head >> 4 & 3u] | number),
      .flags = RT_FRAME_COMMAND,
      .service_index = (uint8_t)(1u + (head & 0xfu)),
      .size = (uint8_t)fuzz_take(input, payload, size > 64u ? 4u : size),
      .payload = payload,
  };
  rt_bus_send(&packet);
}

/* Half a window of a square wave with noise, its length, height and pitch the input's. */
static void hear(fuzz_input_t *input, uint32_t head) {
  int16_t samples[2000];
  const uint32_t shape = fuzz_take8(input);
  const int32_t height = 1 << (shape & 0xfu), period = 2 + (int32_t)(shape >> 4);
  for (uint32_t times = 1 + (head & 7u); times > 0; times--) {
    for (int32_t i = 0; i < 2000; i++) {
      const int32_t level = i / period % 2 ? height - 1 : -height;
      samples[i] = (int16_t)(head & 0x8u ? level : level / 2 + (i * 7919 % 64) - 32);
    }
    fuzz_hear(samples, 2000);
    fuzz_advance(250000);
    rt_firmware_poll(rt_hal_now_us());
  }
}

static void wait(uint32_t head) {
  const uint64_t end_us = rt_hal_now_us() + ((uint64_t)1000u << (head & 0xfu));
  for (uint32_t turn = 0; turn < 40 && rt_hal_now_us() < end_us; turn++) {
    const uint64_t next_us = rt_firmware_poll(rt_hal_now_us());
    fuzz_advance_to(next_us < end_us ? next_us : end_us);
  }
}

static void step(fuzz_input_t *input) {
  const uint32_t head = fuzz_take8(input);
  if (head < 0x80u) {
    command(input, head);
  } else if (head < 0xa0u) {
    hear(input, head);
  } else if (head < 0xd0u) {
    wait(head);
  } else if (head < 0xe0u) {
    rt_services_reset();
  } else if (head < 0xf0u) {
    fuzz_pin(15, head & 1u);
    fuzz_analog((uint16_t)(head << 12));
  } else if (head == 0xf0u) {
    rt_hal_reset();
  } else {
    fuzz_cut_power_at(head & 0xfu);
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
  wait(0xf);
}

void fuzz_learner(const uint8_t *data, size_t size) {
  fuzz_input_t input = {data, data + size};
  rt_learner_setup = fuzz_learner_setup();
  fuzz_power_on(5);
  fuzz_open(RT_HAL_LINK_UART, 0);
  for (uint32_t boots = 0; boots < 4 && fuzz_run(run_all, &input); boots++) fuzz_reboot();
}
