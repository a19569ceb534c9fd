/* Module of services/adc_stats.md: minimum, maximum and root mean square of a sampled pin. */
#include "hal/hal.h"
#include "services/service.h"

/* Codes of services/adc_stats.md. */
#define SERVICE_CLASS 0x1a57a75eu
#define REG_RUNNING 0x001u
#define REG_RATE 0x080u
#define REG_WINDOW 0x081u
#define REG_PIN 0x082u
#define REG_STATISTICS 0x101u
#define REG_WINDOWS 0x180u
#define REG_LOST 0x181u
#define EVENT_WINDOW_READY 0x080u

#define RATE_LOW 8000u
#define RATE_HIGH 16000u
#define WINDOW_MAX 65536u

#define POLL_US 20000u   /* between two looks at the converter's ring, which holds 100 ms */
#define RETRY_US 100000u /* until the next try when somebody else has the converter */
#define BLOCK_SAMPLES 64u
#define POLL_SAMPLES 1600u /* in one call: all that the ring can hold at 16 kHz */
#define SAMPLE_CYCLES 30u

static struct {
  /* Registers. */
  uint8_t running, pin;
  uint32_t rate, window, windows, lost;
  uint8_t statistics[6]; /* of the last window: min, max, rms */
  rt_service_stream_t stream;

  uint8_t is_sampling;
  /* The present window. */
  uint32_t samples;
  int16_t min, max;
  uint64_t squares;
} state;

/* ---- statistics ---- */

static void begin_window(void) {
  state.samples = 0;
  state.min = INT16_MAX;
  state.max = INT16_MIN;
  state.squares = 0;
}

/* The integer nearest to the square root. */
static uint16_t square_root(uint32_t x) {
  uint32_t root = 0;
  for (uint32_t bit = 1u << 15; bit != 0; bit >>= 1) {
    const uint32_t larger = root | bit;
    if (larger * larger <= x) root = larger;
  }
  return (uint16_t)(x - root * root > root ? root + 1u : root);
}

static void end_window(rt_service_t *service) {
  const uint32_t mean = (uint32_t)((state.squares + state.window / 2u) / state.window);
  const uint16_t rms = square_root(mean);
  uint8_t payload[10];
  state.windows++;
  __builtin_memcpy(payload, &state.windows, 4);
  __builtin_memcpy(payload + 4, &state.min, 2);
  __builtin_memcpy(payload + 6, &state.max, 2);
  __builtin_memcpy(payload + 8, &rms, 2);
  __builtin_memcpy(state.statistics, payload + 4, sizeof state.statistics);
  rt_service_event(service, EVENT_WINDOW_READY, payload, sizeof payload);
  begin_window();
}

static void take(rt_service_t *service, int16_t sample) {
  if (sample < state.min) state.min = sample;
  if (sample > state.max) state.max = sample;
  state.squares += (uint32_t)(sample * sample);
  if (++state.samples == state.window) end_window(service);
}

/* ---- sampling ---- */

static void stop_sampling(void) {
  if (state.is_sampling) rt_hal_audio_stop();
  state.is_sampling = 0;
}

/* Returns when to try again, 0 when the converter runs. */
static uint64_t start_sampling(uint64_t now_us) {
  if (state.is_sampling) return 0;
  const rt_status_t status = rt_hal_audio_start(state.pin, state.rate);
  if (status == RT_ERROR_STATE) return now_us + RETRY_US;
  if (status != RT_OK) {
    state.running = 0;
    return UINT64_MAX;
  }
  state.is_sampling = 1;
  begin_window();
  return 0;
}

static void empty_ring(rt_service_t *service) {
  int16_t block[BLOCK_SAMPLES];
  uint32_t taken = 0;
  size_t count;
  do {
    count = rt_hal_audio_read(block, BLOCK_SAMPLES, &state.lost);
    for (size_t i = 0; i < count; i++) take(service, block[i]);
    taken += (uint32_t)count;
  } while (count == BLOCK_SAMPLES && taken < POLL_SAMPLES);
  rt_hal_spent(taken * SAMPLE_CYCLES);
}

static uint64_t sample(rt_service_t *service, uint64_t now_us) {
  if (!state.running) {
    stop_sampling();
    return UINT64_MAX;
  }
  const uint64_t again_us = start_sampling(now_us);
  if (again_us != 0) return again_us;
  empty_ring(service);
  return now_us + POLL_US;
}

static uint64_t poll(rt_service_t *service, uint64_t now_us) {
  const uint64_t sample_us = sample(service, now_us);
  const uint64_t stream_us = rt_service_stream_poll(service, &state.stream, REG_STATISTICS, now_us);
  return sample_us < stream_us ? sample_us : stream_us;
}

/* ---- registers ---- */

static void written(rt_service_t *service, uint16_t code) {
  (void)service;
  if (code == REG_RATE) {
    if (state.rate != RATE_HIGH) state.rate = RATE_LOW;
  }
  if (code == REG_WINDOW) {
    if (state.window < 1) state.window = 1;
    if (state.window > WINDOW_MAX) state.window = WINDOW_MAX;
    begin_window();
  }
  /* The converter starts again as it is wanted now. */
  if (code == REG_RATE || code == REG_PIN) stop_sampling();
}

static void reset(rt_service_t *service) {
  (void)service;
  stop_sampling();
  state.running = 0;
  state.rate = RATE_LOW;
  state.window = 800;
  state.pin = rt_board.microphone_pin;
  state.windows = state.lost = 0;
  __builtin_memset(state.statistics, 0, sizeof state.statistics);
  state.stream = (rt_service_stream_t){.interval_ms = 100};
  begin_window();
}

static rt_status_t init(rt_service_t *service) {
  state.is_sampling = 0;
  reset(service);
  return rt_board.microphone_pin == RT_BOARD_NO_PIN ? RT_ERROR_ARGUMENT : RT_OK;
}

static const rt_service_register_t table[] = {
    {REG_RUNNING, 1, RT_REGISTER_READ | RT_REGISTER_WRITE, &state.running},
    {REG_RATE, 4, RT_REGISTER_READ | RT_REGISTER_WRITE, &state.rate},
    {REG_WINDOW, 4, RT_REGISTER_READ | RT_REGISTER_WRITE, &state.window},
    {REG_PIN, 1, RT_REGISTER_READ | RT_REGISTER_WRITE, &state.pin},
    {REG_STATISTICS, sizeof state.statistics, RT_REGISTER_READ, state.statistics},
    {REG_WINDOWS, 4, RT_REGISTER_READ, &state.windows},
    {REG_LOST, 4, RT_REGISTER_READ, &state.lost},
    {RT_REGISTER_STREAMING_SAMPLES, 1, RT_REGISTER_READ | RT_REGISTER_WRITE, &state.stream.samples},
    {RT_REGISTER_STREAMING_INTERVAL, 4, RT_REGISTER_READ | RT_REGISTER_WRITE,
     &state.stream.interval_ms},
};

const rt_service_module_t rt_module_adc_stats = {
    .service_class = SERVICE_CLASS,
    .name = "adc_stats",
    .registers = table,
    .register_count = sizeof table / sizeof table[0],
    .init = init,
    .reset = reset,
    .written = written,
    .poll = poll,
};
