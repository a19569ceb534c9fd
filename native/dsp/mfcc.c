#include "mfcc.h"

#include <stddef.h>

#include "frame.h"

// Between data and index of the ring: producer and consumer share a core, so that it is enough to
// keep the compiler from reordering.
#define RING_BARRIER() __atomic_signal_fence(__ATOMIC_SEQ_CST)

uint32_t rt_dsp_memory_bytes(const rt_dsp_profile_t *profile, uint32_t ring_samples) {
  return RT_DSP_MEMORY_BYTES(profile->mels, ring_samples);
}

uint32_t rt_dsp_state_bytes(void) { return sizeof(rt_dsp_state_t); }

static void start_stream(rt_dsp_state_t *state) {
  state->written = 0;
  state->read = 0;
  state->next_row = 0;
  state->frames = 0;
  state->clip_peak = 0;
  state->level_samples = 0;
  state->level_low = 0;
  state->level_high = 0;
}

rt_dsp_status_t rt_dsp_init(rt_dsp_state_t *state, const rt_dsp_profile_t *profile, void *memory,
                            uint32_t memory_bytes, uint32_t ring_samples) {
  if (state == NULL || profile == NULL || memory == NULL) {
    return RT_DSP_ERROR_ARGUMENT;
  }
  if (ring_samples < profile->window_samples + profile->hop_samples || ring_samples > 1u << 20 ||
      (ring_samples & (ring_samples - 1)) != 0) {
    return RT_DSP_ERROR_ARGUMENT;
  }
  if (((uintptr_t)memory & 3) != 0 || memory_bytes < rt_dsp_memory_bytes(profile, ring_samples)) {
    return RT_DSP_ERROR_MEMORY;
  }
  state->profile = profile;
  state->work = (int32_t *)memory;
  state->ring = (int16_t *)(state->work + RT_DSP_FFT_POINTS);
  state->log_mel = state->ring + ring_samples;
  state->frame_peak = state->log_mel + RT_DSP_FRAMES * profile->mels;
  state->ring_mask = ring_samples - 1;
  state->overrun_samples = 0;
  state->level = RT_DSP_LEVEL_SILENT;
  start_stream(state);
  return RT_DSP_OK;
}

// 10 log10(mean square / 2^30) in Q8 of a sum of squares high * 2^16 + low over count samples.
static int32_t level_of(uint32_t high, uint32_t low, uint32_t count) {
  high += low >> 16;
  low &= 0xffff;
  if ((high | low) == 0) {
    return RT_DSP_LEVEL_SILENT;
  }
  int32_t log2 = high >= 1u << 15 ? rt_dsp_log2(high) + 16 * (1 << RT_DSP_LOG2_Q)
                                  : rt_dsp_log2(high << 16 | low);
  log2 -= rt_dsp_log2(count) + 30 * (1 << RT_DSP_LOG2_Q);
  // 10 log10(2) from Q10 to Q8: 24660 / 2^15 = 3.0103 / 4.
  return (log2 * 24660 + (1 << 14)) >> 15;
}

static void measure(rt_dsp_state_t *state, const int16_t *samples, uint32_t count) {
  const uint32_t hop = state->profile->hop_samples;
  while (count > 0) {
    const uint32_t room = hop - state->level_samples;
    const uint32_t part = count < room ? count : room;
    uint32_t low = state->level_low;
    uint32_t high = state->level_high;
    for (const int16_t *end = samples + part; samples < end; samples++) {
      const uint32_t square = (uint32_t)(*samples * *samples);
      low += square & 0xffff;
      high += square >> 16;
    }
    state->level_low = low;
    state->level_high = high;
    state->level_samples += part;
    count -= part;
    if (state->level_samples == hop) {
      state->level = level_of(high, low, hop);
      state->level_low = 0;
      state->level_high = 0;
      state->level_samples = 0;
    }
  }
}

static void copy(int16_t *to, const int16_t *from, uint32_t count) {
  for (uint32_t n = 0; n < count; n++) {
    to[n] = from[n];
  }
}

uint32_t rt_dsp_feed(rt_dsp_state_t *state, const int16_t *samples, uint32_t count) {
  measure(state, samples, count);
  const uint32_t written = state->written;
  const uint32_t size = state->ring_mask + 1;
  const uint32_t room = size - (written - state->read);
  const uint32_t taken = count < room ? count : room;
  const uint32_t start = written & state->ring_mask;
  const uint32_t first = taken < size - start ? taken : size - start;  // up to the ring's end
  copy(state->ring + start, samples, first);
  copy(state->ring, samples + first, taken - first);
  RING_BARRIER();
  state->written = written + taken;
  state->overrun_samples = state->overrun_samples + (count - taken);
  return taken;
}

static void compute_frame(rt_dsp_state_t *state) {
  const rt_dsp_profile_t *profile = state->profile;
  const uint32_t row = state->next_row;
  const int32_t peak = rt_dsp_frame_log_mel(profile, state->ring, state->ring_mask, state->read,
                                            state->work, state->log_mel + row * profile->mels);
  state->frame_peak[row] = (int16_t)peak;
  state->next_row = row + 1 < RT_DSP_FRAMES ? row + 1 : 0;
  if (state->frames < RT_DSP_FRAMES) {
    state->frames += 1;
  }
  state->clip_peak = 0;
}

uint32_t rt_dsp_run(rt_dsp_state_t *state, uint32_t max_frames) {
  uint32_t frames = 0;
  while (frames < max_frames && state->written - state->read >= state->profile->window_samples) {
    RING_BARRIER();
    compute_frame(state);
    RING_BARRIER();
    state->read = state->read + state->profile->hop_samples;
    frames += 1;
  }
  return frames;
}

uint32_t rt_dsp_push(rt_dsp_state_t *state, const int16_t *samples, uint32_t count) {
  uint32_t frames = rt_dsp_run(state, UINT32_MAX);  // there may be some if feed was used before
  while (count > 0) {
    // After rt_dsp_run less than a window is pending, so that at least a hop is free.
    const uint32_t room = state->profile->hop_samples;
    const uint32_t part = count < room ? count : room;
    rt_dsp_feed(state, samples, part);
    frames += rt_dsp_run(state, UINT32_MAX);
    samples += part;
    count -= part;
  }
  return frames;
}

void rt_dsp_discard(rt_dsp_state_t *state) {
  state->read = state->written;
  state->next_row = 0;
  state->frames = 0;
  state->clip_peak = 0;
}

static int32_t peak_log2(const rt_dsp_state_t *state) {
  if (state->profile->peak == RT_DSP_PEAK_IGNORE) {
    return 0;
  }
  int32_t peak = state->clip_peak > 0 ? state->clip_peak : 1;
  if (state->clip_peak == 0) {
    for (uint32_t row = 0; row < state->frames; row++) {  // row order does not matter
      peak = state->frame_peak[row] > peak ? state->frame_peak[row] : peak;
    }
  }
  return rt_dsp_log2((uint32_t)peak);
}

// Log-mel of frame 0 (oldest) to 48, or NULL where the stream is not that old.
static const int16_t *row_of(const rt_dsp_state_t *state, uint32_t frame) {
  const uint32_t missing = RT_DSP_FRAMES - state->frames;
  if (frame < missing) {
    return NULL;
  }
  uint32_t row = state->next_row + frame;
  row = row < RT_DSP_FRAMES ? row : row - RT_DSP_FRAMES;
  return state->log_mel + row * state->profile->mels;
}

static rt_dsp_status_t completeness(const rt_dsp_state_t *state) {
  return state->frames < RT_DSP_FRAMES ? RT_DSP_PARTIAL : RT_DSP_OK;
}

rt_dsp_status_t rt_dsp_coefficients(const rt_dsp_state_t *state, int32_t out[RT_DSP_WINDOW_BYTES]) {
  if (state == NULL || out == NULL) {
    return RT_DSP_ERROR_ARGUMENT;
  }
  const int32_t peak = peak_log2(state);
  for (uint32_t f = 0; f < RT_DSP_FRAMES; f++) {
    rt_dsp_frame_coefficients(state->profile, row_of(state, f), peak, out + f * RT_DSP_COEFFS);
  }
  return completeness(state);
}

static int8_t quantise(int32_t coefficient, const rt_dsp_quant_t *quant, uint32_t k) {
  const int32_t limit = (1 << 25) - 1;
  int32_t x = coefficient - quant->mean[k];
  x = x < -limit ? -limit : x > limit ? limit : x;
  const int32_t shift = quant->shift[k];
  const int32_t scaled = rt_dsp_multiply_high(x * 64, quant->multiplier[k]);
  const int32_t q = ((scaled + (1 << (shift - 1))) >> shift) + quant->zero_point;
  return (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
}

rt_dsp_status_t rt_dsp_window(const rt_dsp_state_t *state, const rt_dsp_quant_t *quant,
                              int8_t out[RT_DSP_WINDOW_BYTES]) {
  if (state == NULL || quant == NULL || out == NULL) {
    return RT_DSP_ERROR_ARGUMENT;
  }
  const int32_t peak = peak_log2(state);
  for (uint32_t f = 0; f < RT_DSP_FRAMES; f++) {
    int32_t row[RT_DSP_COEFFS];
    rt_dsp_frame_coefficients(state->profile, row_of(state, f), peak, row);
    for (uint32_t k = 0; k < RT_DSP_COEFFS; k++) {
      out[f * RT_DSP_COEFFS + k] = quantise(row[k], quant, k);
    }
  }
  return completeness(state);
}

static void push_silence(rt_dsp_state_t *state, uint32_t count) {
  static const int16_t silence[64];
  while (count > 0) {
    const uint32_t part = count < 64 ? count : 64;
    rt_dsp_push(state, silence, part);
    count -= part;
  }
}

void rt_dsp_begin_clip(rt_dsp_state_t *state) { start_stream(state); }

rt_dsp_status_t rt_dsp_end_clip(rt_dsp_state_t *state, int32_t peak, const rt_dsp_quant_t *quant,
                                int8_t out[RT_DSP_WINDOW_BYTES]) {
  state->clip_peak = peak > 1 ? peak : 1;
  return rt_dsp_window(state, quant, out);
}

rt_dsp_status_t rt_dsp_clip(rt_dsp_state_t *state, const int16_t *pcm, uint32_t count,
                            const rt_dsp_quant_t *quant, int8_t out[RT_DSP_WINDOW_BYTES]) {
  if (state == NULL || (pcm == NULL && count > 0) || (quant == NULL) != (out == NULL)) {
    return RT_DSP_ERROR_ARGUMENT;
  }
  int32_t peak = 1;
  for (uint32_t n = 0; n < count; n++) {
    peak = pcm[n] > peak ? pcm[n] : peak;
  }
  const uint32_t length = state->profile->clip_samples;
  const uint32_t used = count < length ? count : length;
  const uint32_t centred = state->profile->place == RT_DSP_PLACE_CENTRE;
  const uint32_t before = centred ? (length - used) / 2 : 0;
  const uint32_t skipped = centred ? (count - used) / 2 : 0;

  start_stream(state);
  push_silence(state, before);
  if (used > 0) {
    rt_dsp_push(state, pcm + skipped, used);
  }
  push_silence(state, length - used - before);
  state->clip_peak = peak;
  return quant != NULL ? rt_dsp_window(state, quant, out) : RT_DSP_OK;
}

int32_t rt_dsp_level(const rt_dsp_state_t *state) { return state->level; }

uint32_t rt_dsp_overrun_samples(const rt_dsp_state_t *state) { return state->overrun_samples; }
