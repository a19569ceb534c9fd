#include "services/capture.h"

#include "hal/hal.h"
#include "services/decibel.h"
#include "services/learner_setup.h"
#include "services/offset.h"
#include "services/service.h"

/* Codes of services/capture.md. */
#define SERVICE_CLASS 0x16c9e4b7u
#define REG_RUNNING 0x001u
#define REG_WAKE_LEVEL 0x006u
#define REG_LEVEL 0x101u
#define REG_SOURCE 0x080u
#define REG_WINDOW 0x081u
#define REG_HOP 0x082u
#define REG_RATE 0x180u
#define REG_WINDOWS 0x181u
#define REG_SKIPPED 0x182u
#define REG_OVERRUNS 0x183u
#define REG_HEALTH 0x184u
#define REG_OFFSET 0x185u
#define EVENT_LOUD 0x01u
#define EVENT_QUIET 0x02u
#define EVENT_WINDOW_READY 0x80u
#define EVENT_OVERRUN 0x81u
#define EVENT_HEALTH_CHANGED 0x82u

#define EVERY_WINDOW (-128 * 256) /* value of wake_level */
/* The signal is looked at in blocks of 20 ms. */
#define BLOCKS_PER_SECOND 50u
/* A sound has ended when it has been quiet this long. */
#define HANG_MS 260u
/* A shorter sound is a click, not a word. */
#define SHORTEST_SOUND_MS 60u
/* Again after this when the converter could not be started. */
#define RETRY_US 100000u
/* A converter that gives nothing, or one value, for so long is broken. */
#define PATIENCE_US 1000000u
/* Values of a 12-bit converter: from these on a sample is at an end of the range. */
#define TOP_SAMPLE (INT16_MAX - 15)
#define BOTTOM_SAMPLE INT16_MIN

/* Enum Health of services/capture.md. */
typedef enum { HEALTH_GOOD = 0, HEALTH_MISSING = 1, HEALTH_STUCK = 2 } health_t;

/* Registers as clients see them. */
static struct {
  uint8_t running;
  uint8_t source;
  int16_t wake_level;
  int16_t level;
  uint32_t rate, window, hop;
  uint32_t windows, skipped, overruns;
  uint8_t health;
  int16_t offset;
  rt_service_stream_t stream;
} registers;

static struct {
  rt_capture_consumer_t consumer;
  int16_t *ring; /* samples from position now - size on; what has not been heard is silence */
  uint32_t size;
  uint64_t now;      /* samples heard, counted from `size` so that no window begins below 0 */
  uint64_t position; /* next sample to look at */
  uint64_t sound_begin, sound_end;
  uint64_t cut_first; /* of a window whose end is still to be heard */
  uint32_t cut_sound; /* samples of the sound in it */
  uint32_t block;
  uint32_t filled; /* samples of the present block */
  uint64_t block_power;
  uint32_t block_power_samples; /* number of samples that block_power is for */
  uint32_t lost;
  uint8_t converting, has_sound, is_loud, is_cutting;
  uint64_t heard_us; /* when the converter last gave something */
  rt_offset_t offset;
} capture;

void rt_capture_attach(rt_capture_consumer_t consumer) { capture.consumer = consumer; }

/* ---- samples ---- */

static uint32_t slot_of(uint64_t position) { return (uint32_t)(position % capture.size); }

/* Points at the samples from `position` on; returns how many of `count` lie in one piece. */
static uint32_t span(uint64_t position, uint32_t count, const int16_t **samples) {
  const uint32_t slot = slot_of(position);
  *samples = capture.ring + slot;
  return count < capture.size - slot ? count : capture.size - slot;
}

uint32_t rt_capture_span(const rt_capture_window_t *window, uint32_t offset,
                         const int16_t **samples) {
  return span(window->first + offset, window->samples - offset, samples);
}

typedef struct {
  uint32_t magnitude; /* of the sample farthest from 0 */
  uint32_t clipped;   /* samples at an end of the range */
} shape_t;

/* What tells a word from a broken microphone. */
static shape_t measure_shape(uint64_t position, uint32_t count) {
  shape_t shape = {0, 0};
  while (count > 0) {
    const int16_t *samples;
    const uint32_t part = span(position, count, &samples);
    for (uint32_t n = 0; n < part; n++) {
      const uint32_t magnitude = (uint32_t)(samples[n] < 0 ? -samples[n] : samples[n]);
      if (magnitude > shape.magnitude) shape.magnitude = magnitude;
      shape.clipped += samples[n] >= TOP_SAMPLE || samples[n] <= BOTTOM_SAMPLE;
    }
    position += part;
    count -= part;
  }
  return shape;
}

/* Sum of squares, and the largest sample. */
static uint64_t measure(uint64_t position, uint32_t count, int16_t *peak) {
  uint64_t sum = 0;
  *peak = INT16_MIN;
  while (count > 0) {
    const int16_t *samples;
    const uint32_t part = span(position, count, &samples);
    for (uint32_t n = 0; n < part; n++) {
      sum += (uint32_t)(samples[n] * samples[n]);
      if (samples[n] > *peak) *peak = samples[n];
    }
    position += part;
    count -= part;
  }
  return sum;
}

static void forget_samples(void) {
  __builtin_memset(capture.ring, 0, capture.size * sizeof(int16_t));
  capture.now = capture.position = capture.size;
  capture.filled = 0;
  capture.has_sound = capture.is_cutting = 0;
}

/* ---- health ---- */

static void set_health(rt_service_t *service, health_t health) {
  if (registers.health == health) return;
  registers.health = (uint8_t)health;
  if (health != HEALTH_GOOD) capture.has_sound = capture.is_cutting = 0;
  rt_service_event(service, EVENT_HEALTH_CHANGED, &registers.health, sizeof registers.health);
}

/* A block has come from the converter: takes the offset away, and sees whether it lives. */
static void take_block(rt_service_t *service) {
  int16_t *samples = capture.ring + slot_of(capture.now);
  rt_offset_take(&capture.offset, samples, capture.block);
  registers.offset = capture.offset.applied;
  set_health(service, capture.offset.is_stuck ? HEALTH_STUCK : HEALTH_GOOD);
}

/* ---- windows ---- */

static void pack_ready(const rt_capture_window_t *window, const shape_t *shape, uint32_t sound,
                       uint8_t payload[12]) {
  const int16_t peak_q8 = rt_decibel_level((uint64_t)shape->magnitude * shape->magnitude, 1);
  const uint16_t clipped = (uint16_t)(shape->clipped < 0xffffu ? shape->clipped : 0xffffu);
  const uint16_t sound_ms = (uint16_t)(sound * 1000u / registers.rate);
  __builtin_memcpy(payload, &window->number, 4);
  __builtin_memcpy(payload + 4, &window->level_q8, 2);
  __builtin_memcpy(payload + 6, &peak_q8, 2);
  __builtin_memcpy(payload + 8, &clipped, 2);
  __builtin_memcpy(payload + 10, &sound_ms, 2);
}

/* `sound`: samples of the sound that the window was cut around, 0 when it was not. */
static void cut(rt_service_t *service, uint64_t first, uint32_t sound) {
  rt_capture_window_t window = {
      .number = registers.windows + 1u, .first = first, .samples = registers.window};
  const uint64_t sum = measure(first, window.samples, &window.peak);
  window.level_q8 = rt_decibel_level(sum, window.samples);
  registers.level = window.level_q8;
  if (capture.consumer != NULL && !capture.consumer(&window)) {
    registers.overruns++;
    rt_service_event(service, EVENT_OVERRUN, &registers.overruns, sizeof registers.overruns);
    return;
  }
  registers.windows = window.number;
  const shape_t shape = measure_shape(first, window.samples);
  uint8_t payload[12];
  pack_ready(&window, &shape, sound, payload);
  rt_service_event(service, EVENT_WINDOW_READY, payload, sizeof payload);
}

static void cut_every_hop(rt_service_t *service) {
  while (capture.position + registers.window <= capture.now) {
    cut(service, capture.position, 0);
    capture.position += registers.hop;
  }
}

/* Power of wake_level for so many samples; nearly always a block's. */
static uint64_t wake_power(uint32_t samples) {
  if (registers.wake_level <= RT_DECIBEL_FLOOR) return 0;
  if (capture.block_power_samples != samples) {
    capture.block_power_samples = samples;
    capture.block_power = rt_decibel_power(2 * registers.wake_level, samples);
  }
  return capture.block_power;
}

/* Whether what was heard since the last look is as loud as wake_level. A broken converter is not.
 */
static uint8_t is_block_loud(void) {
  if (registers.health != HEALTH_GOOD) return 0;
  const uint64_t heard = capture.now > capture.position ? capture.now - capture.position : 0;
  const uint32_t samples = heard < capture.size ? (uint32_t)heard : capture.size;
  int16_t peak;
  const uint64_t power = measure(capture.now - samples, samples, &peak);
  /* Nothing at all has the lowest level. */
  if (power == 0 && registers.wake_level > RT_DECIBEL_FLOOR) return 0;
  return power >= wake_power(samples);
}

static uint32_t samples_in(uint32_t milliseconds) { return milliseconds * registers.rate / 1000u; }

/* The sound has ended, or has lasted as long as two windows. */
static void end_sound(void) {
  capture.has_sound = 0;
  capture.cut_sound = (uint32_t)(capture.sound_end - capture.sound_begin);
  if (capture.cut_sound < samples_in(SHORTEST_SOUND_MS)) {
    registers.skipped++;
    return;
  }
  capture.cut_first = (capture.sound_begin + capture.sound_end - registers.window + 1u) / 2u;
  capture.is_cutting = 1;
}

static void follow_sound(rt_service_t *service) {
  const uint8_t is_loud = is_block_loud();
  if (is_loud != capture.is_loud) {
    rt_service_event(service, is_loud ? EVENT_LOUD : EVENT_QUIET, NULL, 0);
  }
  capture.is_loud = is_loud;
  if (is_loud) {
    if (!capture.has_sound) capture.sound_begin = capture.position;
    capture.sound_end = capture.now;
    capture.has_sound = 1;
  }
  capture.position = capture.now;
  if (!capture.has_sound) return;
  const uint32_t is_quiet = capture.now - capture.sound_end >= samples_in(HANG_MS);
  if (is_quiet || capture.now - capture.sound_begin >= 2u * registers.window) end_sound();
}

/* A block has been heard. */
static void tick(rt_service_t *service) {
  if (registers.wake_level > EVERY_WINDOW) {
    follow_sound(service);
  } else {
    cut_every_hop(service);
  }
  if (capture.is_cutting && capture.cut_first + registers.window <= capture.now) {
    capture.is_cutting = 0;
    cut(service, capture.cut_first, capture.cut_sound);
  }
}

/* ---- the converter ---- */

static void stop_converter(void) {
  rt_hal_audio_stop();
  capture.converting = 0;
  capture.has_sound = capture.is_cutting = 0;
}

static void note_lost(uint32_t lost) {
  static const char text[] = "capture: samples were lost, the main loop came too late";
  if (lost != capture.lost) rt_bus_log('!', text, sizeof text - 1);
  capture.lost = lost;
}

/* Takes what the converter has; calls tick for every block. Returns whether there was something. */
static uint32_t hear(rt_service_t *service) {
  uint32_t any = 0;
  uint32_t lost = capture.lost;
  size_t taken;
  do {
    const uint32_t slot = slot_of(capture.now + capture.filled);
    uint32_t room = capture.block - capture.filled;
    if (room > capture.size - slot) room = capture.size - slot;
    taken = rt_hal_audio_read(capture.ring + slot, room, &lost);
    capture.filled += (uint32_t)taken;
    any |= taken > 0;
    if (capture.filled < capture.block) continue;
    take_block(service);
    capture.now += capture.block;
    capture.filled = 0;
    tick(service);
  } while (taken > 0);
  note_lost(lost);
  return any;
}

/* A converter from which nothing comes is started again and again: it may have been disturbed. */
static void look_for_silence(rt_service_t *service, uint64_t now_us) {
  if (now_us - capture.heard_us < PATIENCE_US) return;
  set_health(service, HEALTH_MISSING);
  capture.heard_us = now_us;
  stop_converter();
}

/* When the present block should be complete; a sample later, so that it surely is. */
static uint64_t block_due(uint64_t now_us) {
  const uint32_t missing = capture.block - capture.filled + 1u;
  return now_us + missing * 1000000u / registers.rate;
}

static uint64_t poll(rt_service_t *service, uint64_t now_us) {
  const uint64_t stream_us = rt_service_stream_poll(service, &registers.stream, REG_LEVEL, now_us);
  if (!registers.running) {
    if (capture.converting) stop_converter();
    return stream_us;
  }
  if (!capture.converting) {
    if (rt_hal_audio_start(rt_board.microphone_pin, registers.rate) != RT_OK) {
      set_health(service, HEALTH_MISSING);
      return now_us + RETRY_US;
    }
    capture.converting = 1;
    capture.heard_us = now_us;
    forget_samples();
  }
  if (hear(service)) {
    capture.heard_us = now_us;
  } else {
    look_for_silence(service, now_us);
  }
  const uint64_t due_us = block_due(now_us);
  return due_us < stream_us ? due_us : stream_us;
}

/* ---- life and registers ---- */

static void reset(rt_service_t *service) {
  (void)service;
  registers.running = 1;
  registers.source = 0;
  registers.wake_level = EVERY_WINDOW;
  registers.hop = registers.window;
  registers.stream = (rt_service_stream_t){.interval_ms = 100};
  capture.block_power_samples = 0;
}

static rt_status_t init(rt_service_t *service) {
  const rt_learner_setup_t *setup = rt_learner_setup;
  if (setup == NULL || setup->model_count == 0) return RT_ERROR_STATE;
  if (rt_board.microphone_pin == RT_BOARD_NO_PIN) return RT_ERROR_STATE;
  const rt_dsp_profile_t *profile = setup->models[0].profile;
  registers.rate = profile->rate_hz;
  registers.window = profile->clip_samples;
  registers.windows = registers.skipped = registers.overruns = 0;
  registers.level = RT_DECIBEL_FLOOR;
  capture.block = registers.rate / BLOCKS_PER_SECOND;
  capture.ring = setup->audio;
  capture.size = RT_CAPTURE_AUDIO_SAMPLES(registers.window);
  if (setup->audio == NULL || setup->audio_samples < capture.size) return RT_ERROR_ARENA_SIZE;
  capture.converting = capture.is_loud = 0;
  capture.lost = 0;
  registers.health = HEALTH_GOOD;
  registers.offset = 0;
  capture.offset = (rt_offset_t){0};
  forget_samples();
  reset(service);
  return RT_OK;
}

static void written(rt_service_t *service, uint16_t code) {
  (void)service;
  if (code == REG_WAKE_LEVEL) capture.block_power_samples = 0;
  /* This board has a microphone and nothing else; the window is the one the features need. */
  if (code == REG_SOURCE) registers.source = 0;
  if (code == REG_WINDOW) registers.window = rt_learner_setup->models[0].profile->clip_samples;
  if (code == REG_HOP && registers.hop < 1) registers.hop = registers.window;
}

static const rt_service_register_t table[] = {
    {REG_RUNNING, 1, RT_REGISTER_READ | RT_REGISTER_WRITE, &registers.running},
    {RT_REGISTER_STREAMING_SAMPLES, 1, RT_REGISTER_READ | RT_REGISTER_WRITE,
     &registers.stream.samples},
    {RT_REGISTER_STREAMING_INTERVAL, 4, RT_REGISTER_READ | RT_REGISTER_WRITE,
     &registers.stream.interval_ms},
    {REG_WAKE_LEVEL, 2, RT_REGISTER_READ | RT_REGISTER_WRITE, &registers.wake_level},
    {REG_LEVEL, 2, RT_REGISTER_READ, &registers.level},
    {REG_SOURCE, 1, RT_REGISTER_READ | RT_REGISTER_WRITE, &registers.source},
    {REG_WINDOW, 4, RT_REGISTER_READ | RT_REGISTER_WRITE, &registers.window},
    {REG_HOP, 4, RT_REGISTER_READ | RT_REGISTER_WRITE, &registers.hop},
    {REG_RATE, 4, RT_REGISTER_READ, &registers.rate},
    {REG_WINDOWS, 4, RT_REGISTER_READ, &registers.windows},
    {REG_SKIPPED, 4, RT_REGISTER_READ, &registers.skipped},
    {REG_OVERRUNS, 4, RT_REGISTER_READ, &registers.overruns},
    {REG_HEALTH, 1, RT_REGISTER_READ, &registers.health},
    {REG_OFFSET, 2, RT_REGISTER_READ, &registers.offset},
};

const rt_service_module_t rt_module_capture = {
    .service_class = SERVICE_CLASS,
    .name = "capture",
    .registers = table,
    .register_count = sizeof table / sizeof table[0],
    .init = init,
    .reset = reset,
    .written = written,
    .poll = poll,
};
