#include "fft.h"

#include "fixed.h"
#include "tables_common.h"

#define POINTS (RT_DSP_FFT_POINTS / 2)  // complex points

typedef struct {
  int32_t re;
  int32_t im;
} complex_t;

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

// Four-point DFT of a, b, c, d written to out[0], out[step], out[2 step], out[3 step].
static inline void butterfly(complex_t *out, uint32_t step, complex_t a, complex_t b, complex_t c,
                             complex_t d) {
  const complex_t sum_ac = {a.re + c.re, a.im + c.im};
  const complex_t dif_ac = {a.re - c.re, a.im - c.im};
  const complex_t sum_bd = {b.re + d.re, b.im + d.im};
  const complex_t dif_bd = {b.re - d.re, b.im - d.im};
  out[0].re = sum_ac.re + sum_bd.re;
  out[0].im = sum_ac.im + sum_bd.im;
  out[step].re = dif_ac.re + dif_bd.im;
  out[step].im = dif_ac.im - dif_bd.re;
  out[2 * step].re = sum_ac.re - sum_bd.re;
  out[2 * step].im = sum_ac.im - sum_bd.im;
  out[3 * step].re = dif_ac.re - dif_bd.im;
  out[3 * step].im = dif_ac.im + dif_bd.re;
}

// Decimation in time, radix 4: spans of 4, 16, 64 and 256 points. The numbers of groups and the
// stride of the 512-point twiddles are counted down, not divided: a division is a library call.
static void transform(complex_t *z) {
  uint32_t groups = POINTS / 4;
  uint32_t stride = 2 * (POINTS / 4);
  for (uint32_t step = 1; groups > 0; step <<= 2, groups >>= 2, stride >>= 2) {
    complex_t *p = z;
    for (uint32_t g = groups; g > 0; g--, p += 4 * step) {
      butterfly(p, step, p[0], p[step], p[2 * step], p[3 * step]);
    }
    for (uint32_t j = 1; j < step; j++) {
      const int16_t *w = rt_dsp_twiddles + 2 * j * stride;
      const int16_t *w2 = w + 2 * j * stride;
      const int16_t *w3 = w2 + 2 * j * stride;
      p = z + j;
      for (uint32_t g = groups; g > 0; g--, p += 4 * step) {
        const complex_t b = turn(p[step], w[0], w[1]);
        const complex_t c = turn(p[2 * step], w2[0], w2[1]);
        const complex_t d = turn(p[3 * step], w3[0], w3[1]);
        butterfly(p, step, p[0], b, c, d);
      }
    }
  }
}

static inline uint32_t absolute(int32_t x) { return x < 0 ? 0u - (uint32_t)x : (uint32_t)x; }

// Power or magnitude of re + i im as mantissa and exponent.
static uint32_t bin(int32_t re, int32_t im, rt_dsp_spectrum_t spectrum) {
  uint32_t a = absolute(re);
  uint32_t b = absolute(im);
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

// The 256-point spectrum of (even, odd) samples becomes the 512-point one: with E and O the spectra
// of the even and the odd samples, X[k] = E + W^k O and X[256 - k] = conj(E - W^k O).
static void split(complex_t *z, rt_dsp_spectrum_t spectrum) {
  for (uint32_t k = 1; k < POINTS / 2; k++) {
    const complex_t p = z[k];
    const complex_t q = z[POINTS - k];
    const complex_t even = {(p.re + q.re) >> 1, (p.im - q.im) >> 1};
    const complex_t odd = {(p.im + q.im) >> 1, (q.re - p.re) >> 1};
    const complex_t turned = turn(odd, rt_dsp_twiddles[2 * k], rt_dsp_twiddles[2 * k + 1]);
    z[k].re = (int32_t)bin(even.re + turned.re, even.im + turned.im, spectrum);
    z[POINTS - k].re = (int32_t)bin(even.re - turned.re, even.im - turned.im, spectrum);
  }
  z[POINTS / 2].re = (int32_t)bin(z[POINTS / 2].re, z[POINTS / 2].im, spectrum);
}

void rt_dsp_fft_bins(int32_t *work, rt_dsp_spectrum_t spectrum) {
  complex_t *z = (complex_t *)work;  // two int32_t each, same alignment
  transform(z);
  split(z, spectrum);
}
