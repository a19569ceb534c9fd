/*
 * Rounding on the bits: exact on every target, and faster than through a library on
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
