#include "frame.h"

// Windowed samples get this many bits. The Hann windows sum up to at most 240, so that the sum of
// absolute values stays below 2^30, the limit of rt_dsp_fft_bins.
#define INPUT_BITS 22

typedef struct {
  uint32_t magnitude_bits;  // of the largest absolute sample
  int32_t peak;             // the largest sample
} range_t;

static range_t find_range(const int16_t *ring, uint32_t ring_mask, uint32_t start, uint32_t count) {
  uint32_t magnitudes = 0;  // all OR-ed: same top bit as the largest
  int32_t peak = 0;
  for (uint32_t n = 0; n < count; n++) {
    const int32_t x = ring[(start + n) & ring_mask];
    magnitudes |= (uint32_t)(x < 0 ? -x : x);
    if (x > peak) {
      peak = x;
    }
  }
  const range_t range = {rt_dsp_bits(magnitudes), peak};
  return range;
}

// Samples times window, brought to INPUT_BITS, in the order that the FFT wants.
static void load(const rt_dsp_profile_t *profile, const int16_t *ring, uint32_t ring_mask,
                 uint32_t start, uint32_t bits, int32_t *work) {
  // A product has bits + 16 bits; the window's largest value is 65535, so that 32 are enough.
  const uint32_t down = bits + 16 > INPUT_BITS ? bits + 16 - INPUT_BITS : 0;
  const int32_t up = bits + 16 < INPUT_BITS ? 1 << (INPUT_BITS - 16 - bits) : 1;
  const int32_t half = down > 0 ? 1 << (down - 1) : 0;
  const uint32_t count = profile->window_samples;
  uint32_t n = 0;
  for (; n < count; n++) {
    const int32_t x = ring[(start + n) & ring_mask] * (int32_t)profile->window[n];
    work[rt_dsp_fft_place(n)] = (x * up + half) >> down;
  }
  for (; n < RT_DSP_FFT_POINTS; n++) {
    work[rt_dsp_fft_place(n)] = 0;
  }
}

// Weighted sum of count bins; its log2 in Q10, in units of the FFT's input.
static int32_t band_log2(const int32_t *work, uint32_t first, uint32_t count,
                         const uint16_t *weights, uint32_t mel_shift) {
  const int32_t *bins = work + 2 * first;
  uint32_t exponent = 0;
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t e = (uint32_t)bins[2 * i] >> 16;
    if (e > exponent) {
      exponent = e;
    }
  }
  uint32_t sum = 0;
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t bin = (uint32_t)bins[2 * i];
    const uint32_t down = exponent - (bin >> 16);
    if (down < 32) {
      sum += ((bin & 0xffff) * weights[i]) >> down;
    }
  }
  if (sum == 0) {
    return RT_DSP_LOG2_ZERO;
  }
  const int32_t scale = (int32_t)exponent - RT_DSP_BIN_BIAS - (int32_t)mel_shift;
  return rt_dsp_log2(sum) + scale * (1 << RT_DSP_LOG2_Q);
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
  load(profile, ring, ring_mask, start, range.magnitude_bits, work);
  rt_dsp_fft_bins(work, profile->spectrum);

  int32_t unit = (int32_t)range.magnitude_bits - INPUT_BITS;  // the FFT saw samples / 2^unit
  if (profile->spectrum == RT_DSP_SPECTRUM_POWER) {
    unit *= 2;
  }
  unit += profile->unit_log2;
  const uint16_t *weights = profile->mel_weights;
  for (uint32_t m = 0; m < profile->mels; m++) {
    const uint32_t count = profile->mel_count[m];
    int32_t value = band_log2(work, profile->mel_first[m], count, weights, profile->mel_shift);
    if (value != RT_DSP_LOG2_ZERO) {
      value += unit * (1 << RT_DSP_LOG2_Q);
    }
    // Nothing reaches the upper limit: full-scale DC gives 24 in units of samples, 17 in power.
    log_mel[m] = (int16_t)(value < RT_DSP_LOG2_ZERO ? RT_DSP_LOG2_ZERO : value);
    weights += count;
  }
  return range.peak;
}

void rt_dsp_frame_coefficients(const rt_dsp_profile_t *profile, const int16_t *log_mel,
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
