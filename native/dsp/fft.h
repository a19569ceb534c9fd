// Spectrum of one windowed frame: real FFT of 512 points in block floating point, then each bin as
// a small floating-point number (16-bit mantissa, exponent), so that quiet bands keep their
// precision beside loud ones.
#ifndef RT_DSP_FFT_H
#define RT_DSP_FFT_H

#include <stdint.h>

#define RT_DSP_FFT_POINTS 512
#define RT_DSP_FFT_BINS (RT_DSP_FFT_POINTS / 2)

typedef enum {
  RT_DSP_SPECTRUM_POWER = 0,      // re^2 + im^2
  RT_DSP_SPECTRUM_MAGNITUDE = 1,  // sqrt(re^2 + im^2)
} rt_dsp_spectrum_t;

// A bin is mantissa + exponent * 65536: its value is mantissa * 2^(exponent - RT_DSP_BIN_BIAS).
#define RT_DSP_BIN_BIAS 64

// Complex numbers of the work area: even samples are real parts, odd ones imaginary.
typedef struct {
  int32_t re;
  int32_t im;
} rt_dsp_complex_t;

// Who loads the work area does the first pass on the way, since it needs no twiddles: group g of
// the RT_DSP_FFT_GROUPS consists of the samples rt_dsp_fft_sample(g) + {0, 128, 256, 384} and the
// odd ones behind them; rt_dsp_fft_butterfly writes it to work[8 * g].
#define RT_DSP_FFT_GROUPS (RT_DSP_FFT_POINTS / 8)

// The base-4 digits of g reversed: decimation in time.
static inline uint32_t rt_dsp_fft_sample(uint32_t g) {
  return ((g & 3) << 4 | (g & 12) | g >> 4) << 1;
}

// Four-point DFT of a, b, c, d written to out[0], out[step], out[2 step], out[3 step].
static inline void rt_dsp_fft_butterfly(rt_dsp_complex_t *out, uint32_t step, rt_dsp_complex_t a,
                                        rt_dsp_complex_t b, rt_dsp_complex_t c,
                                        rt_dsp_complex_t d) {
  const rt_dsp_complex_t sum_ac = {a.re + c.re, a.im + c.im};
  const rt_dsp_complex_t dif_ac = {a.re - c.re, a.im - c.im};
  const rt_dsp_complex_t sum_bd = {b.re + d.re, b.im + d.im};
  const rt_dsp_complex_t dif_bd = {b.re - d.re, b.im - d.im};
  out[0].re = sum_ac.re + sum_bd.re;
  out[0].im = sum_ac.im + sum_bd.im;
  out[step].re = dif_ac.re + dif_bd.im;
  out[step].im = dif_ac.im - dif_bd.re;
  out[2 * step].re = sum_ac.re - sum_bd.re;
  out[2 * step].im = sum_ac.im - sum_bd.im;
  out[3 * step].re = dif_ac.re - dif_bd.im;
  out[3 * step].im = dif_ac.im + dif_bd.re;
}

// Real FFT in place.
// work [in]: 512 samples after the first pass. The samples' absolute values must sum up to less
//            than 2^30, which is what keeps every intermediate result within 32 bits without
//            scaling.
// work [out]: bin k at work[k], read as uint32_t, for first <= k < end; all else is undefined.
// 1 <= first < end <= 256: bins 0 and 256 are not computed, no profile uses them.
void rt_dsp_fft_bins(int32_t *work, rt_dsp_spectrum_t spectrum, uint32_t first, uint32_t end);

// ---- The parts of it, in fft_thumb.c for the Cortex-M0+ and in fft.c for all others ----

// One pass on z[256] with spans of 4 step points: all but the butterflies without twiddles.
// step: 4, 16, 64. stride: of the 512-point twiddles, 128 / step.
void rt_dsp_fft_pass(rt_dsp_complex_t *z, uint32_t step, uint32_t stride);

// The 256-point spectrum of (even, odd) samples becomes the 512-point one, but for points 0, 128.
void rt_dsp_fft_split(rt_dsp_complex_t *z);

// z[first] to z[end - 1] become bins, as rt_dsp_fft_bins describes.
void rt_dsp_fft_powers(int32_t *work, uint32_t first, uint32_t end);
void rt_dsp_fft_magnitudes(int32_t *work, uint32_t first, uint32_t end);

#endif
