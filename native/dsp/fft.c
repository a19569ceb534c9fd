#include "fft.h"

#include "../engine/hot.h"
#include "fixed.h"
#include "tables_common.h"

#define POINTS (RT_DSP_FFT_POINTS / 2)  // complex points

typedef rt_dsp_complex_t complex_t;

#if !defined(__ARM_ARCH_6M__)

// The lowest 15 bits, by shifts: a mask would keep a register of the eight busy.
static inline int32_t low_bits(int32_t x) { return (int32_t)((uint32_t)x << 17 >> 17); }

// a * exp(-2 pi i k / 512) with the twiddle in Q15, cosine and minus sine. The 32-bit operand is
// cut into its upper 17 and lower 15 bits: eight single-cycle multiplies instead of four 64-bit
// library calls.
static inline complex_t turn(complex_t a, int32_t c, int32_t s) {
  const int32_t re_high = a.re >> 15;
  const int32_t im_high = a.im >> 15;
  const int32_t re_low = low_bits(a.re);
  const int32_t im_low = low_bits(a.im);
  complex_t out;
  out.re = re_high * c - im_high * s + ((re_low * c - im_low * s) >> 15);
  out.im = re_high * s + im_high * c + ((re_low * s + im_low * c) >> 15);
  return out;
}

void rt_dsp_fft_pass(complex_t *z, uint32_t step, uint32_t stride) {
  for (uint32_t j = 1; j < step; j++) {
    const int16_t *w = rt_dsp_twiddles + 2 * j * stride;
    const int16_t *w2 = w + 2 * j * stride;
    const int16_t *w3 = w2 + 2 * j * stride;
    for (complex_t *p = z + j; p < z + POINTS; p += 4 * step) {
      const complex_t b = turn(p[step], w[0], w[1]);
      const complex_t c = turn(p[2 * step], w2[0], w2[1]);
      const complex_t d = turn(p[3 * step], w3[0], w3[1]);
      rt_dsp_fft_butterfly(p, step, p[0], b, c, d);
    }
  }
}

// With E and O the spectra of the even and the odd samples, X[k] = E + W^k O and
// X[256 - k] = conj(E - W^k O); the conjugate's sign makes no difference to a bin.
void rt_dsp_fft_split(complex_t *z) {
  for (uint32_t k = 1; k < POINTS / 2; k++) {
    const complex_t p = z[k];
    const complex_t q = z[POINTS - k];
    const complex_t even = {(p.re + q.re) >> 1, (p.im - q.im) >> 1};
    const complex_t odd = {(p.im + q.im) >> 1, (q.re - p.re) >> 1};
    const complex_t turned = turn(odd, rt_dsp_twiddles[2 * k], rt_dsp_twiddles[2 * k + 1]);
    z[k] = (complex_t){even.re + turned.re, even.im + turned.im};
    z[POINTS - k] = (complex_t){even.re - turned.re, even.im - turned.im};
  }
}

static inline uint32_t absolute(int32_t x) { return x < 0 ? 0u - (uint32_t)x : (uint32_t)x; }

// Power or magnitude of re + i im as mantissa and exponent.
static inline uint32_t bin(complex_t z, rt_dsp_spectrum_t spectrum) {
  uint32_t a = absolute(z.re);
  uint32_t b = absolute(z.im);
  if ((a | b) == 0) {
    return 0;
  }
  const uint32_t bits = rt_dsp_bits(a | b);
  if (bits > 15) {
    a >>= bits - 15;
    b >>= bits - 15;
  } else {
    a <<= 15 - bits;
    b <<= 15 - bits;
  }
  uint32_t power = a * a + b * b;  // 2^28 to 2^31
  uint32_t exponent = RT_DSP_BIN_BIAS + bits - 15;
  if (spectrum == RT_DSP_SPECTRUM_POWER) {
    exponent += 16 + bits - 15;
    return ((power + 0x8000) >> 16) | exponent << 16;
  }
  if (power < 1u << 30) {
    power <<= 2;
    exponent -= 1;
  }
  return rt_dsp_sqrt(power) | exponent << 16;
}

// Bin k is written where point k / 2 was: that one has been read.
static inline void bins(int32_t *work, uint32_t first, uint32_t end, rt_dsp_spectrum_t spectrum) {
  for (uint32_t k = first; k < end; k++) {
    const complex_t point = {work[2 * k], work[2 * k + 1]};
    work[k] = (int32_t)bin(point, spectrum);
  }
}

void rt_dsp_fft_powers(int32_t *work, uint32_t first, uint32_t end) {
  bins(work, first, end, RT_DSP_SPECTRUM_POWER);
}

void rt_dsp_fft_magnitudes(int32_t *work, uint32_t first, uint32_t end) {
  bins(work, first, end, RT_DSP_SPECTRUM_MAGNITUDE);
}

#endif

// Decimation in time, radix 4: spans of 16, 64 and 256 points; that of 4 is done.
RT_HOT static void transform(complex_t *z) {
  uint32_t stride = POINTS / 8;
  for (uint32_t step = 4; step < POINTS; step <<= 2, stride >>= 2) {
    // Counted down: the compiler would divide to know the number of rounds.
    complex_t *p = z;
    for (uint32_t groups = stride / 2; groups > 0; groups--, p += 4 * step) {
      rt_dsp_fft_butterfly(p, step, p[0], p[step], p[2 * step], p[3 * step]);
    }
    rt_dsp_fft_pass(z, step, stride);
  }
}

void rt_dsp_fft_bins(int32_t *work, rt_dsp_spectrum_t spectrum, uint32_t first, uint32_t end) {
  complex_t *z = (complex_t *)work;  // two int32_t each, same alignment
  transform(z);
  rt_dsp_fft_split(z);
  if (spectrum == RT_DSP_SPECTRUM_POWER) {
    rt_dsp_fft_powers(work, first, end);
  } else {
    rt_dsp_fft_magnitudes(work, first, end);
  }
}
