/*
 * Rounding and remainder on the bits: exact on every target, and faster than through a library on
 * cores without a floating-point unit.
 */
#include <stdint.h>

#include "libm/bits.h"
#include "libm/libm.h"

#define MANTISSA_BITS 52
#define MANTISSA (((uint64_t)1 << MANTISSA_BITS) - 1)
#define BIAS 1023u
#define SIGN ((uint64_t)1 << 63)

static inline uint32_t exponent_of(uint64_t bits) { return (uint32_t)(bits >> 52) & 0x7ffu; }

/* Mask of the bits below the point; all of the mantissa when |x| < 1 is not for this. */
static inline uint64_t fraction_mask(uint32_t exponent) { return MANTISSA >> (exponent - BIAS); }

double rt_libm_trunc(double x) {
  uint64_t bits = rt_libm_to_bits(x);
  uint32_t exponent = exponent_of(bits);
  if (exponent >= BIAS + MANTISSA_BITS) return x;
  if (exponent < BIAS) return rt_libm_from_bits(bits & SIGN);
  return rt_libm_from_bits(bits & ~fraction_mask(exponent));
}

/* Next whole number away from 0, unless x is whole. */
static double away(double x) {
  uint64_t bits = rt_libm_to_bits(x);
  uint32_t exponent = exponent_of(bits);
  if (exponent >= BIAS + MANTISSA_BITS || 2 * bits == 0) return x;
  if (exponent < BIAS) return rt_libm_from_bits((bits & SIGN) | ((uint64_t)BIAS << 52));
  uint64_t mask = fraction_mask(exponent);
  return rt_libm_from_bits((bits + mask) & ~mask); /* a carry goes into the exponent as it should */
}

double rt_libm_floor(double x) { return rt_libm_to_bits(x) >> 63 ? away(x) : rt_libm_trunc(x); }

double rt_libm_ceil(double x) { return rt_libm_to_bits(x) >> 63 ? rt_libm_trunc(x) : away(x); }

/* A positive number as mantissa and exponent, x = mantissa * 2^(exponent - 1075). */
static uint64_t mantissa_of(uint64_t bits, int32_t *exponent) {
  uint64_t mantissa = bits & MANTISSA;
  *exponent = (int32_t)exponent_of(bits);
  if (*exponent != 0) return mantissa | (MANTISSA + 1);
  *exponent = 1;
  while (!(mantissa >> MANTISSA_BITS)) {
    mantissa <<= 1;
    *exponent -= 1;
  }
  return mantissa;
}

static uint64_t bits_of(uint64_t mantissa, int32_t exponent) {
  if (mantissa == 0) return 0;
  while (!(mantissa >> MANTISSA_BITS)) {
    mantissa <<= 1;
    exponent--;
  }
  if (exponent > 0) return (mantissa & MANTISSA) | ((uint64_t)(uint32_t)exponent << 52);
  return mantissa >> (1 - exponent);
}

/* At most 2,046 turns: one for each bit by which the exponents differ. */
double rt_libm_fmod(double x, double y) {
  uint64_t bx = rt_libm_to_bits(x), by = rt_libm_to_bits(y) & ~SIGN;
  uint64_t sign = bx & SIGN, infinity = (uint64_t)0x7ff << 52;
  bx &= ~SIGN;
  if (bx >= infinity || by > infinity || by == 0) return rt_libm_nan();
  if (bx < by) return x;
  int32_t ex, ey;
  uint64_t mx = mantissa_of(bx, &ex), my = mantissa_of(by, &ey);
  for (;; ex--, mx <<= 1) {
    if (mx >= my) mx -= my;
    if (ex == ey || mx == 0) break;
  }
  return rt_libm_from_bits(sign | bits_of(mx, ex));
}
