/*
 * x^y and log(x), as musl 1.2 computes the first (src/math/pow.c): both share the logarithm with
 * 68 good bits. Changed from there: no errno, no floating-point flags, no fused multiply-add (the
 * same bits on every target), smaller tables.
 *
 * Copyright (c) 2018, Arm Limited.
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>

#include "libm/bits.h"
#include "libm/libm.h"
#include "libm/pow_tables.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

#define TABLE_BITS 7
#define TABLE_SIZE (1 << TABLE_BITS)
#define SUBINTERVALS_START 0x3fe6955500000000u
#define SIGN_BIAS (0x800u << TABLE_BITS)

#define EXPONENT_MASK 0x7ffu
#define BITS_ONE 0x3ff0000000000000u
#define BITS_INFINITY 0x7ff0000000000000u
#define BITS_MAGNITUDE 0x7fffffffffffffffu

/* Top 12 bits of a double: sign and exponent. */
static inline uint32_t top12(uint64_t bits) { return (uint32_t)(bits >> 52); }

/* (z/c - 1) split so that high and high * high are exact. */
typedef struct {
  double high, low, sum;
} split_t;

static inline split_t reduce(uint64_t bits, double inverse) {
  split_t r;
  double z = rt_libm_from_bits(bits);
  double z_high = rt_libm_from_bits((bits + (1u << 31)) & 0xffffffff00000000u);
  r.high = z_high * inverse - 1.0;
  r.low = (z - z_high) * inverse;
  r.sum = r.high + r.low;
  return r;
}

/* log1p(r) - r + r * r / 2; relative error 0x1.11922ap-70 for |r| under 0x1.6bp-8. */
static inline double log_polynomial(double r, double ar2) {
  return (0x1.555555555556p-2 * -2 + r * (-0x1.0000000000006p-2 * -2) +
          ar2 * (0x1.999999959554ep-3 * 4 + r * (-0x1.555555529a47ap-3 * 4) +
                 ar2 * (0x1.2495b9b4845e9p-3 * -8 + r * (-0x1.0002b8b263fc3p-3 * -8))));
}

/*
 * log(x), of which the rounded result is returned and *tail has about 15 bits more. `bits` is x
 * itself, normalised in the subnormal range with a negative exponent.
 *
 * x = 2^k z with z in a range of 128 subintervals; c is near the centre of z's one. Then
 * log(x) = k log(2) + log(c) + log1p(z/c - 1).
 */
static double log_with_tail(uint64_t bits, double *tail) {
  uint64_t distance = bits - SUBINTERVALS_START;
  uint32_t i = (uint32_t)(distance >> (52 - TABLE_BITS)) % TABLE_SIZE;
  double k = (double)((int32_t)(distance >> 32) >> 20);
  split_t r =
      reduce(bits - (distance & 0xfff0000000000000u), (double)rt_libm_inverse_256[i] * 0x1p-8);
  /* k*Ln2 + log(c) + r */
  double t1 = k * 0x1.62e42fefa3800p-1 + rt_libm_log_c[i][0];
  double t2 = t1 + r.sum;
  double low1 = k * 0x1.ef35793c76730p-45 + rt_libm_log_c[i][1];
  double low2 = t1 - t2 + r.sum;
  /* … - r*r/2 */
  double ar = -0.5 * r.sum;
  double ar2 = r.sum * ar;
  double ar3 = r.sum * ar2;
  double ar_high = -0.5 * r.high;
  double ar2_high = r.high * ar_high;
  double high = t2 + ar2_high;
  double low3 = r.low * (ar + ar_high);
  double low4 = t2 - high + ar2_high;
  double polynomial = ar3 * log_polynomial(r.sum, ar2);
  double low = low1 + low2 + low3 + low4 + polynomial;
  double y = high + low;
  *tail = high - y + low;
  return y;
}

/*
 * scale*(1+t) when scale over- or underflows: its exponent, in `scale_bits`, may have run into the
 * sign. `k` positive: may overflow; negative: may underflow.
 */
static double exp_extreme(double t, uint64_t scale_bits, uint32_t k) {
  if ((k & 0x80000000u) == 0) {
    double scale = rt_libm_from_bits(scale_bits - ((uint64_t)1009 << 52));
    return 0x1p1009 * (scale + scale * t);
  }
  scale_bits += (uint64_t)1022 << 52;
  double scale = rt_libm_from_bits(scale_bits);
  double y = scale + scale * t;
  double one = y < 0.0 ? -1.0 : 1.0;
  if (y * one < 1.0) {
    /* Rounds to what a subnormal number can hold before scaling, so as not to round twice. */
    double low = scale - y + scale * t;
    double high = one + y;
    low = one - high + y + low;
    y = (high + low) - one;
    if (y == 0.0) y = rt_libm_from_bits(scale_bits & 0x8000000000000000u);
  }
  return 0x1p-1022 * y;
}

/* exp(x + x_tail), negated if `sign_bias`; |x_tail| < 2^-8/128 and |x_tail| <= |x|. */
static double exp_with_tail(double x, double x_tail, uint32_t sign_bias) {
  uint32_t top = top12(rt_libm_to_bits(x)) & EXPONENT_MASK;
  uint32_t extreme = 0;
  if (top < 0x3c9) return sign_bias ? -(1.0 + x) : 1.0 + x; /* under 2^-54 */
  if (top >= 0x408) {                                       /* from 512 */
    if (top >= 0x409) {                                     /* from 1024 */
      double y = rt_libm_to_bits(x) >> 63 ? 0.0 : rt_libm_from_bits(BITS_INFINITY);
      return sign_bias ? -y : y;
    }
    extreme = 1;
  }
  /* x = ln2/128*k + r; adding 1.5*2^52 rounds to an integer in the low bits */
  double z = (0x1.71547652b82fep0 * TABLE_SIZE) * x;
  double k = z + 0x1.8p52;
  uint64_t k_bits = rt_libm_to_bits(k);
  k -= 0x1.8p52;
  double r = x + k * -0x1.62e42fefa0000p-8 + k * -0x1.cf79abc9e3b3ap-47;
  r += x_tail;
  /* 2^(k/128) = scale * (1 + tail) */
  const uint64_t *entry = &rt_libm_exp[2 * ((uint32_t)k_bits % TABLE_SIZE)];
  uint64_t scale_bits = entry[1] + ((k_bits + sign_bias) << (52 - TABLE_BITS));
  double r2 = r * r;
  double t = rt_libm_from_bits(entry[0]) + r +
             r2 * (0x1.ffffffffffdbdp-2 + r * 0x1.555555555543cp-3) +
             r2 * r2 * (0x1.55555cf172b91p-5 + r * 0x1.1111167a4d017p-7);
  if (extreme) return exp_extreme(t, scale_bits, (uint32_t)k_bits);
  double scale = rt_libm_from_bits(scale_bits);
  return scale + scale * t;
}

/* Of the bits of a finite number but 0: 0 not whole, 1 odd, 2 even. */
static int parity(uint64_t bits) {
  uint32_t exponent = top12(bits) & EXPONENT_MASK;
  if (exponent < 0x3ff) return 0;
  if (exponent > 0x3ff + 52) return 2;
  uint64_t unit = (uint64_t)1 << (0x3ff + 52 - exponent);
  if (bits & (unit - 1)) return 0;
  return bits & unit ? 1 : 2;
}

static inline int is_zero_infinite_or_nan(uint64_t bits) {
  return 2 * bits - 1 >= 2 * BITS_INFINITY - 1;
}

/* y is 0, infinite or NaN. */
static double pow_of_special_exponent(uint64_t ix, uint64_t iy) {
  if (2 * iy == 0 || ix == BITS_ONE) return 1.0;
  if (2 * ix > 2 * BITS_INFINITY || 2 * iy > 2 * BITS_INFINITY) return rt_libm_nan();
  if (2 * ix == 2 * BITS_ONE) return 1.0;
  if ((2 * ix < 2 * BITS_ONE) == !(iy >> 63)) return 0.0;
  return rt_libm_from_bits(BITS_INFINITY);
}

/* x is 0, infinite or NaN; y is finite and not 0. */
static double pow_of_special_base(double x, uint64_t iy) {
  double square = x * x;
  if (rt_libm_to_bits(x) >> 63 && parity(iy) == 1) square = -square;
  return iy >> 63 ? 1 / square : square;
}

/* |y| is under 2^-65 or at least 2^63; x is positive and finite. */
static double pow_of_extreme_exponent(uint64_t ix, double y) {
  uint64_t iy = rt_libm_to_bits(y);
  if (ix == BITS_ONE) return 1.0;
  if ((top12(iy) & EXPONENT_MASK) < 0x3be) return 1.0;
  return (ix > BITS_ONE) == !(iy >> 63) ? rt_libm_from_bits(BITS_INFINITY) : 0.0;
}

/* y*log(x), with the logarithm's tail and the product's lower half. */
static double exp_of_product(double y, double high, double low, uint32_t sign_bias) {
  double y_high = rt_libm_from_bits(rt_libm_to_bits(y) & 0xfffffffff8000000u);
  double y_low = y - y_high;
  double log_high = rt_libm_from_bits(rt_libm_to_bits(high) & 0xfffffffff8000000u);
  double log_low = high - log_high + low;
  return exp_with_tail(y_high * log_high, y_low * log_high + y * log_low, sign_bias);
}

/* The bits of a positive number, a subnormal one with an exponent below 0. */
static uint64_t normalised(uint64_t bits) {
  if (top12(bits) != 0) return bits;
  return rt_libm_to_bits(rt_libm_from_bits(bits) * 0x1p52) - ((uint64_t)52 << 52);
}

double rt_libm_pow(double x, double y) {
  uint32_t sign_bias = 0;
  uint64_t ix = rt_libm_to_bits(x), iy = rt_libm_to_bits(y);
  uint32_t exponent_y = top12(iy) & EXPONENT_MASK;
  if (is_zero_infinite_or_nan(iy)) return pow_of_special_exponent(ix, iy);
  if (is_zero_infinite_or_nan(ix)) return pow_of_special_base(x, iy);
  if (ix >> 63) {
    int odd = parity(iy);
    if (odd == 0) return rt_libm_nan();
    if (odd == 1) sign_bias = SIGN_BIAS;
    ix &= BITS_MAGNITUDE;
  }
  if (exponent_y - 0x3be >= 0x43e - 0x3be) return pow_of_extreme_exponent(ix, y);
  double low;
  double high = log_with_tail(normalised(ix), &low);
  return exp_of_product(y, high, low, sign_bias);
}

double rt_libm_log(double x) {
  uint64_t bits = rt_libm_to_bits(x);
  if (2 * bits == 0) return -rt_libm_from_bits(BITS_INFINITY);
  if (2 * bits > 2 * BITS_INFINITY || bits >> 63) return rt_libm_nan();
  if (bits == BITS_INFINITY) return x;
  double tail;
  return log_with_tail(normalised(bits), &tail);
}
