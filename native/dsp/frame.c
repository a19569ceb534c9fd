#include "frame.h"

#include "../engine/hot.h"
#include "load.h"

// Windowed samples get this many bits. The Hann windows sum up to at most 240, so that the sum of
// absolute values stays below 2^30, the limit of rt_dsp_fft_bins.
#define INPUT_BITS 22

typedef struct {
  uint32_t magnitude_bits;  // significant ones of the largest absolute sample
  int32_t peak;             // the largest sample
} range_t;

// Extremes of count samples in one piece.
static inline void widen(const int16_t *x, uint32_t count, int32_t *low, int32_t *high) {
  for (const int16_t *end = x + count; x < end; x++) {
    const int32_t sample = *x;
    if (sample > *high) {
      *high = sample;
    }
    if (sample < *low) {
      *low = sample;
    }
  }
}

RT_HOT static range_t find_range(const int16_t *ring, uint32_t ring_mask, uint32_t start,
                                 uint32_t count) {
  const uint32_t at = start & ring_mask;
  const uint32_t room = ring_mask + 1 - at;
  const uint32_t first = count < room ? count : room;  // up to the ring's end
  int32_t low = 0;
  int32_t high = 0;
  widen(ring + at, first, &low, &high);
  widen(ring, count - first, &low, &high);
  const range_t range = {rt_dsp_bits((uint32_t)(high > -low ? high : -low)), high};
  return range;
}

// What brings products of bits + 16 bits to INPUT_BITS; the window's largest value is 65535.
static void scale_for(uint32_t bits, rt_dsp_source_t *source) {
  source->down = bits + 16 > INPUT_BITS ? bits + 16 - INPUT_BITS : 0;
  source->up = bits + 16 < INPUT_BITS ? 1 << (INPUT_BITS - 16 - bits) : 1;
  source->half = source->down > 0 ? 1 << (source->down - 1) : 0;
}

static inline int32_t scaled(int32_t product, const rt_dsp_source_t *source) {
  return (product * source->up + source->half) >> source->down;
}

static inline rt_dsp_complex_t pair(const rt_dsp_source_t *source, uint32_t n) {
  rt_dsp_complex_t point = {0, 0};
  if (n < source->count) {
    const int16_t *ring = source->ring;
    const uint16_t *window = source->window + n;
    const uint32_t at = source->start + n;
    point.re = scaled(ring[at & source->ring_mask] * (int32_t)window[0], source);
    point.im = scaled(ring[(at + 1) & source->ring_mask] * (int32_t)window[1], source);
  }
  return point;
}

void rt_dsp_load_portable(const rt_dsp_source_t *source, int32_t *work) {
  rt_dsp_complex_t *out = (rt_dsp_complex_t *)work;  // two int32_t each, same alignment
  for (uint32_t g = 0; g < RT_DSP_FFT_GROUPS; g++, out += 4) {
    const uint32_t n = rt_dsp_fft_sample(g);
    const rt_dsp_complex_t a = pair(source, n);
    const rt_dsp_complex_t b = pair(source, n + 128);
    const rt_dsp_complex_t c = pair(source, n + 256);
    const rt_dsp_complex_t d = pair(source, n + 384);
    rt_dsp_fft_butterfly(out, 1, a, b, c, d);
  }
}

static void load(const rt_dsp_source_t *source, int32_t *work) {
#if defined(__ARM_ARCH_6M__)
  const uint32_t at = source->start & source->ring_mask;
  // A pair that the ring's end cuts through, or a quiet frame, which is scaled up, is rare.
  if (source->down > 0 && (at & 1) == 0) {
    const uint32_t first_bytes = 2 * (source->ring_mask + 1 - at);
    const uintptr_t high = (uintptr_t)source->ring - first_bytes;  // not itself in the ring
    const rt_dsp_pieces_t pieces = {.low = source->ring + at,
                                    .first_bytes = first_bytes,
                                    .high = (const int16_t *)high,
                                    .count_bytes = 2 * source->count,
                                    .half = source->half,
                                    .window = source->window,
                                    .down = source->down};
    rt_dsp_load_pieces(&pieces, work);
    return;
  }
#endif
  rt_dsp_load_portable(source, work);
}

// Weighted sum of count bins; its log2 in Q10, in units of the FFT's input.
static inline int32_t band_log2(const uint32_t *bins, uint32_t count, const uint16_t *weights,
                                uint32_t mel_shift) {
  const uint32_t *end = bins + count;
  uint32_t largest = 0;  // its exponent is the largest
  for (const uint32_t *bin = bins; bin < end; bin++) {
    largest = *bin > largest ? *bin : largest;
  }
  const uint32_t exponent = largest >> 16;
  uint32_t sum = 0;
  for (const uint32_t *bin = bins; bin < end; bin++, weights++) {
    const uint32_t down = exponent - (*bin >> 16);
    if (down < 32) {
      sum += ((*bin & 0xffff) * *weights) >> down;
    }
  }
  if (sum == 0) {
    return RT_DSP_LOG2_ZERO;
  }
  const int32_t scale = (int32_t)exponent - RT_DSP_BIN_BIAS - (int32_t)mel_shift;
  return rt_dsp_log2(sum) + scale * (1 << RT_DSP_LOG2_Q);
}

// All bands of bins, shifted by unit; log2 in Q10.
RT_HOT static void sum_bands(const rt_dsp_profile_t *profile, const uint32_t *bins, int32_t unit,
                             int16_t *log_mel) {
  const uint16_t *weights = profile->mel_weights;
  for (uint32_t m = 0; m < profile->mels; m++) {
    const uint32_t count = profile->mel_count[m];
    int32_t value = band_log2(bins + profile->mel_first[m], count, weights, profile->mel_shift);
    if (value != RT_DSP_LOG2_ZERO) {
      value += unit * (1 << RT_DSP_LOG2_Q);
    }
    // Nothing reaches the upper limit: full-scale DC gives 24 in units of samples, 17 in power.
    log_mel[m] = (int16_t)(value < RT_DSP_LOG2_ZERO ? RT_DSP_LOG2_ZERO : value);
    weights += count;
  }
}

int32_t rt_dsp_frame_log_mel(const rt_dsp_profile_t *profile, const int16_t *ring,
                             uint32_t ring_mask, uint32_t start, int32_t *work, int16_t *log_mel) {
  const range_t range = find_range(ring, ring_mask, start, profile->window_samples);
  if (range.magnitude_bits == 0) {
    for (uint32_t m = 0; m < profile->mels; m++) {
      log_mel[m] = RT_DSP_LOG2_ZERO;
    }
    return 0;
  }
  rt_dsp_source_t source = {.ring = ring,
                            .window = profile->window,
                            .ring_mask = ring_mask,
                            .start = start,
                            .count = profile->window_samples};
  scale_for(range.magnitude_bits, &source);
  load(&source, work);
  const uint32_t last = profile->mels - 1;
  const uint32_t end = (uint32_t)profile->mel_first[last] + profile->mel_count[last];
  rt_dsp_fft_bins(work, profile->spectrum, profile->mel_first[0], end);

  int32_t unit = (int32_t)range.magnitude_bits - INPUT_BITS;  // the FFT saw samples / 2^unit
  if (profile->spectrum == RT_DSP_SPECTRUM_POWER) {
    unit *= 2;
  }
  sum_bands(profile, (const uint32_t *)work, unit + profile->unit_log2, log_mel);
  return range.peak;
}

RT_HOT void rt_dsp_frame_coefficients(const rt_dsp_profile_t *profile, const int16_t *log_mel,
                                      int32_t peak_log2, int32_t out[RT_DSP_COEFFS]) {
  int32_t y[RT_DSP_MAX_MELS];
  const uint32_t mels = profile->mels;
  const int32_t floor = profile->floor_log2 + peak_log2;
  int32_t sum = 0;
  int32_t low = INT32_MAX;
  int32_t high = INT32_MIN;
  for (uint32_t m = 0; m < mels; m++) {
    // (x / peak + floor) = (x + floor * peak) / peak
    y[m] = (log_mel ? rt_dsp_log2_add(log_mel[m], floor) : floor) - peak_log2;
    sum += y[m];
    low = y[m] < low ? y[m] : low;
    high = y[m] > high ? y[m] : high;
  }
  out[0] = rt_dsp_multiply_high(sum * (1 << RT_DSP_LOG2_Q), profile->gain_first);

  // Rows are symmetric (k even) or antisymmetric (k odd), so half the products do. A constant
  // subtracted changes no row but keeps the sums within 32 bits.
  const int32_t centre = (low + high) >> 1;
  const uint32_t half = mels / 2;
  int32_t folded[2][RT_DSP_MAX_MELS / 2];
  for (uint32_t n = 0; n < half; n++) {
    const int32_t left = y[n] - centre;
    const int32_t right = y[mels - 1 - n] - centre;
    folded[0][n] = left + right;
    folded[1][n] = left - right;
  }
  const int16_t *row = profile->dct;
  for (uint32_t k = 1; k < RT_DSP_COEFFS; k++, row += half) {
    const int32_t *x = folded[k & 1];
    int32_t product = 0;
    for (uint32_t n = 0; n < half; n++) {
      product += x[n] * row[n];
    }
    out[k] = rt_dsp_multiply_high(product, profile->gain_rest);
  }
}
