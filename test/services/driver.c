/*
 * native/services on a bench: a HAL with virtual time, flash that keeps NOR rules and can lose its
 * power, a converter that hears what the test feeds, and in place of the bus a list of what was
 * sent. Driven from bench.ts through WebAssembly.
 */
#include "driver.h"

#include "hal/hal.h"

/* On an emulated chip the bench has to fit beside the arena, and the build brings the setup. */
#ifdef BENCH_ON_CHIP
#define FLASH_BYTES 0xa000u
#define STORE_OFFSET 0u
#define STORE_BYTES 0xa000u
#define AUDIO_SAMPLES 1024u
#else
#define FLASH_BYTES 0x40000u
#define STORE_OFFSET 0x20000u
#define STORE_BYTES 0x10000u
#define AUDIO_SAMPLES 32768u
const rt_learner_setup_t *rt_learner_setup;
#endif
#define PINS 32u

const rt_board_t rt_board = {
    .name = "bench",
    .clock_hz = 125000000u,
    .led_pin = 25,
    .button_pin = 15,
    .microphone_pin = 26,
    .store_offset = STORE_OFFSET,
    .store_bytes = STORE_BYTES,
    .active_microwatts = 79200u,
};

static struct {
  uint64_t now_us;
  uint64_t spent_cycles;
  uint32_t spent_rest;
  uint8_t flash[FLASH_BYTES];
  uint32_t cut_after; /* flash operations until the power goes; 0: never */
  uint32_t is_dark;
  uint32_t operations;
  int16_t audio[AUDIO_SAMPLES];
  uint32_t fed, taken;
  uint32_t converting;
  uint8_t pins[PINS];
  uint16_t duty[PINS];
} bench;

/* ---- for the test ---- */

void bench_set_setup(const rt_learner_setup_t *setup) { rt_learner_setup = setup; }

void bench_power_on(void) {
  bench.now_us = 0;
  bench.spent_cycles = 0;
  bench.spent_rest = 0;
  bench.fed = bench.taken = 0;
  bench.converting = 0;
  bench.is_dark = 0;
  bench.cut_after = 0;
  bench.operations = 0;
  for (uint32_t i = 0; i < PINS; i++) bench.pins[i] = 1;
  driver_bus_clear();
  rt_services_init();
}

void bench_restart_script(void) { rt_services_reset(); }

double bench_now_us(void) { return (double)bench.now_us; }
void bench_set_now_us(double now_us) {
  if ((uint64_t)now_us > bench.now_us) bench.now_us = (uint64_t)now_us;
}
double bench_poll(void) { return (double)rt_services_poll(bench.now_us); }
uint32_t bench_step(uint32_t end_us) {
  const uint64_t due_us = rt_services_poll(bench.now_us);
  const uint64_t next_us = due_us > bench.now_us ? due_us : bench.now_us + 1u;
  if (bench.now_us < end_us) bench.now_us = next_us < end_us ? next_us : end_us;
  return bench.now_us < end_us;
}
uint32_t bench_cycles_low(void) { return (uint32_t)bench.spent_cycles; }
double bench_cycles(void) { return (double)bench.spent_cycles; }

uint32_t bench_is_converting(void) { return bench.converting; }
void bench_hear(const int16_t *samples, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) bench.audio[bench.fed++ % AUDIO_SAMPLES] = samples[i];
}

void bench_command(uint32_t service, uint32_t command, const uint8_t *payload, uint32_t size) {
  const rt_packet_t packet = {
      .device_id = rt_bus_device_id(),
      .command = (uint16_t)command,
      .flags = RT_FRAME_COMMAND,
      .service_index = (uint8_t)service,
      .size = (uint8_t)size,
      .payload = payload,
  };
  rt_services_dispatch(&packet);
}

void bench_set_pin(uint32_t pin, uint32_t level) { bench.pins[pin] = (uint8_t)level; }
uint32_t bench_duty(uint32_t pin) { return bench.duty[pin]; }

uint8_t *bench_flash(void) { return bench.flash; }
uint32_t bench_flash_operations(void) { return bench.operations; }
void bench_cut_power_after(uint32_t operations) { bench.cut_after = operations; }

/* ---- the HAL ---- */

uint64_t rt_hal_now_us(void) { return bench.now_us; }

void rt_hal_spent(uint32_t cycles) {
  bench.spent_cycles += cycles;
  const uint32_t all = bench.spent_rest + cycles % 125u;
  bench.now_us += cycles / 125u + all / 125u;
  bench.spent_rest = all % 125u;
}

uint64_t rt_hal_device_id(void) { return rt_bus_device_id(); }

/* Xorshift: the same on every run. */
uint32_t rt_hal_random(void) {
  static uint32_t state = 0x1234567u;
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}

const uint8_t *rt_hal_flash_data(uint32_t offset) { return bench.flash + offset; }

/* Half of an operation that the power does not last for is done. */
static uint32_t bytes_done(uint32_t bytes) {
  if (bench.is_dark) return 0;
  bench.operations++;
  if (bench.cut_after == 0 || --bench.cut_after > 0) return bytes;
  bench.is_dark = 1;
  return bytes / 2u;
}

rt_status_t rt_hal_flash_erase(uint32_t offset, uint32_t bytes) {
  if (offset % RT_HAL_FLASH_SECTOR_BYTES != 0 || bytes % RT_HAL_FLASH_SECTOR_BYTES != 0) {
    return RT_ERROR_ALIGNMENT;
  }
  const uint32_t done = bytes_done(bytes);
  for (uint32_t i = 0; i < done; i++) bench.flash[offset + i] = 0xff;
  return bench.is_dark ? RT_ERROR_STATE : RT_OK;
}

rt_status_t rt_hal_flash_program(uint32_t offset, const uint8_t *data, uint32_t bytes) {
  if (offset % RT_HAL_FLASH_PAGE_BYTES != 0 || bytes % RT_HAL_FLASH_PAGE_BYTES != 0) {
    return RT_ERROR_ALIGNMENT;
  }
  const uint32_t done = bytes_done(bytes);
  for (uint32_t i = 0; i < done; i++) bench.flash[offset + i] &= data[i];
  return bench.is_dark ? RT_ERROR_STATE : RT_OK;
}

rt_status_t rt_hal_pin_mode(uint8_t pin, rt_hal_pin_mode_t mode) {
  (void)mode;
  return pin < PINS ? RT_OK : RT_ERROR_ARGUMENT;
}

uint32_t rt_hal_pin_read(uint8_t pin) { return bench.pins[pin]; }

rt_status_t rt_hal_pwm_write(uint8_t pin, uint16_t duty) {
  bench.duty[pin] = duty;
  return RT_OK;
}

rt_status_t rt_hal_audio_start(uint8_t pin, uint32_t rate_hz) {
  (void)rate_hz;
  if (pin != rt_board.microphone_pin) return RT_ERROR_ARGUMENT;
  if (bench.converting) return RT_ERROR_STATE;
  bench.converting = 1;
  bench.taken = bench.fed;
  return RT_OK;
}

void rt_hal_audio_stop(void) { bench.converting = 0; }

size_t rt_hal_audio_read(int16_t *samples, size_t capacity, uint32_t *lost) {
  size_t count = 0;
  if (bench.fed - bench.taken > AUDIO_SAMPLES) {
    *lost += bench.fed - bench.taken - AUDIO_SAMPLES;
    bench.taken = bench.fed - AUDIO_SAMPLES;
  }
  while (count < capacity && bench.taken != bench.fed) {
    samples[count++] = bench.audio[bench.taken++ % AUDIO_SAMPLES];
  }
  return count;
}

/* One conversion: what was heard last. */
rt_status_t rt_hal_adc_read(uint8_t pin, uint16_t *value) {
  if (pin != rt_board.microphone_pin) return RT_ERROR_ARGUMENT;
  const int16_t newest = bench.fed == 0 ? 0 : bench.audio[(bench.fed - 1u) % AUDIO_SAMPLES];
  *value = (uint16_t)(newest + 32768);
  return RT_OK;
}
