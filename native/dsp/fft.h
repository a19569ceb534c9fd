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

// Where sample n (0 to 511) of the frame belongs in the work area, which is 256 complex numbers
// (even samples real, odd samples imaginary) in the order in which the first pass wants them:
// the base-4 digits of n / 2 reversed.
static inline uint32_t rt_dsp_fft_place(uint32_t n) {
  const uint32_t k = n >> 1;
  const uint32_t reversed = (k & 3) << 6 | (k & 12) << 2 | (k & 48) >> 2 | k >> 6;
  return reversed << 1 | (n & 1);
}

// Real FFT in place.
// work [in]: 512 samples at rt_dsp_fft_place(n). Their absolute values must sum up to less than
//            2^30, which is what keeps every intermediate result within 32 bits without scaling.
// work [out]: bin k (1 to 255) at work[2 * k], read as uint32_t; all else is undefined. Bins 0 and
//             256 are not computed: no profile uses them.
void rt_dsp_fft_bins(int32_t *work, rt_dsp_spectrum_t spectrum);

#endif
