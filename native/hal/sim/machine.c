/* Time, life and sound of the simulated board. */
#include "hal/sim/machine.h"

#include "firmware/firmware.h"
#include "hal/sim/state.h"

/* An endless loop that only looks at the clock must end: each look takes this long. */
#define LOOK_CYCLES 125u
/* The converter's ring, a power of two: 512 ms at 8 kHz. */
#define AUDIO_SAMPLES 4096u
#define DEFAULT_HEAP_BYTES 65536u
#define LARGEST_HEAP_BYTES (1024u * 1024u)

static struct {
  uint64_t now_us, spent_cycles, device_id;
  uint32_t cycles; /* since now_us, less than a microsecond */
  uint32_t random;
  rt_hal_reset_cause_t cause;
  rt_sim_stop_t stop;
  uint32_t halt_code;
  uint64_t watchdog_us; /* 0: off */
  uint32_t heap_bytes;
} machine;

static struct {
  uint32_t rate_hz, starts, written, read, lost;
  uint64_t start_us;
  int16_t ring[AUDIO_SAMPLES];
} audio;

static uint64_t heap[LARGEST_HEAP_BYTES / sizeof(uint64_t)];
static uint32_t program[RT_SIM_PROGRAM_BYTES / sizeof(uint32_t)];

const rt_learner_setup_t *rt_learner_setup;

/* ---- The host's side ---- */

void rt_sim_set_learner(const rt_learner_setup_t *setup) { rt_learner_setup = setup; }

const rt_adapter_t *rt_sim_active_adapter(void) {
  return rt_learner_has_adapter() ? &rt_learner.adapter : NULL;
}

void rt_sim_power_on(uint32_t seed, uint32_t device_id_low, uint32_t device_id_high,
                     rt_hal_reset_cause_t cause) {
  machine.now_us = machine.spent_cycles = 0;
  machine.cycles = 0;
  machine.device_id = (uint64_t)device_id_high << 32 | device_id_low;
  machine.random = seed;
  machine.cause = cause;
  machine.stop = RT_SIM_RUNNING;
  machine.watchdog_us = 0;
  machine.heap_bytes = DEFAULT_HEAP_BYTES;
  audio.rate_hz = audio.starts = audio.written = audio.read = audio.lost = 0;
  rt_sim_flash_power_on();
  rt_sim_link_power_on();
  rt_sim_pins_power_on();
}

void rt_sim_set_heap_bytes(uint32_t bytes) {
  if (bytes > LARGEST_HEAP_BYTES) bytes = LARGEST_HEAP_BYTES;
  machine.heap_bytes = bytes & ~7u;
}

uint8_t *rt_sim_program(void) { return (uint8_t *)program; }

rt_status_t rt_sim_start(uint32_t program_bytes, uint32_t stays_stopped) {
  if (program_bytes > sizeof program) return RT_ERROR_ARGUMENT;
  const rt_firmware_config_t config = {
      .heap = heap,
      .heap_bytes = machine.heap_bytes,
      .program = program_bytes > 0 ? (const uint8_t *)program : NULL,
      .program_bytes = program_bytes,
      .stays_stopped = (uint8_t)stays_stopped,
  };
  rt_hal_init();
  return rt_firmware_init(&config);
}

static double to_double(uint64_t us) { return us == UINT64_MAX ? __builtin_inf() : (double)us; }

double rt_sim_poll(double now_us) {
  const uint64_t now = (uint64_t)now_us;
  if (now > machine.now_us) {
    machine.now_us = now;
    machine.cycles = 0;
  }
  if (machine.watchdog_us != 0 && machine.now_us >= machine.watchdog_us) {
    rt_sim_stop(RT_SIM_WATCHDOG);
  }
  return to_double(rt_firmware_poll(machine.now_us));
}

double rt_sim_now_us(void) { return (double)machine.now_us; }
double rt_sim_spent_cycles(void) { return (double)machine.spent_cycles; }
rt_sim_stop_t rt_sim_stopped(void) { return machine.stop; }
uint32_t rt_sim_halt_code(void) { return machine.halt_code; }

_Noreturn void rt_sim_stop(rt_sim_stop_t reason) {
  machine.stop = reason;
  __builtin_trap();
}

/* ---- Time and life ---- */

void rt_hal_init(void) {}

static void pass(uint32_t cycles) {
  const uint32_t per_us = rt_board.clock_hz / 1000000u;
  const uint64_t total = (uint64_t)machine.cycles + cycles;
  machine.now_us += total / per_us;
  machine.cycles = (uint32_t)(total % per_us);
}

uint64_t rt_hal_now_us(void) {
  pass(LOOK_CYCLES);
  return machine.now_us;
}

void rt_hal_spent(uint32_t cycles) {
  machine.spent_cycles += cycles;
  pass(cycles);
}

/* The host sleeps: it is what calls rt_sim_poll. */
void rt_hal_sleep_until(uint64_t deadline_us) { (void)deadline_us; }
void rt_hal_deep_sleep_until(uint64_t deadline_us) { (void)deadline_us; }

rt_hal_reset_cause_t rt_hal_reset_cause(void) { return machine.cause; }

_Noreturn void rt_hal_reset(void) { rt_sim_stop(RT_SIM_RESET); }

_Noreturn void rt_hal_halt(uint32_t code) {
  machine.halt_code = code;
  rt_sim_stop(RT_SIM_HALTED);
}

void rt_hal_watchdog(uint32_t milliseconds) {
  machine.watchdog_us = milliseconds == 0 ? 0 : machine.now_us + 1000u * (uint64_t)milliseconds;
}

uint64_t rt_hal_device_id(void) { return machine.device_id; }

/* mulberry32 (public domain), as in sim/random.ts. */
uint32_t rt_hal_random(void) {
  machine.random += 0x6d2b79f5u;
  uint32_t t = machine.random;
  t = (t ^ t >> 15) * (t | 1u);
  t ^= t + (t ^ t >> 7) * (t | 61u);
  return t ^ t >> 14;
}

uint32_t rt_hal_stack_used_bytes(void) { return 0; }

/* ---- Sound ---- */

rt_status_t rt_hal_audio_start(uint8_t pin, uint32_t rate_hz) {
  if (pin < 26 || pin > 28) return RT_ERROR_ARGUMENT;
  if (rate_hz != 8000 && rate_hz != 16000) return RT_ERROR_ARGUMENT;
  if (audio.rate_hz != 0) return RT_ERROR_STATE;
  audio.rate_hz = rate_hz;
  audio.starts++;
  audio.start_us = machine.now_us;
  audio.written = audio.read = audio.lost = 0;
  return RT_OK;
}

void rt_hal_audio_stop(void) { audio.rate_hz = 0; }

size_t rt_hal_audio_read(int16_t *samples, size_t capacity, uint32_t *lost) {
  size_t count = 0;
  while (count < capacity && audio.read != audio.written) {
    samples[count++] = audio.ring[audio.read++ % AUDIO_SAMPLES];
  }
  *lost += audio.lost;
  audio.lost = 0;
  return count;
}

uint32_t rt_sim_audio_rate_hz(void) { return audio.rate_hz; }
uint32_t rt_sim_audio_starts(void) { return audio.starts; }
double rt_sim_audio_start_us(void) { return (double)audio.start_us; }

void rt_sim_audio_feed(const int16_t *samples, uint32_t count) {
  if (audio.rate_hz == 0) return;
  for (uint32_t i = 0; i < count; i++) audio.ring[audio.written++ % AUDIO_SAMPLES] = samples[i];
  const uint32_t kept = audio.written - audio.read;
  if (kept <= AUDIO_SAMPLES) return;
  audio.lost += kept - AUDIO_SAMPLES;
  audio.read = audio.written - AUDIO_SAMPLES;
}
