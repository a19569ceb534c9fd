/*
 * Fixed-point arithmetic for training: random numbers, rounding, reals without floats, exp, log,
 * cosine and square root. 32-bit integers only: Cortex-M0+ multiplies 32 by 32 bits to 32 bits and
 * has no divider. The rt_real_* functions and rt_fixed_divide take some hundred cycles and are
 * called a few times a window or a training step, never once a multiply.
 */
#ifndef RT_ENGINE_FIXED_H
#define RT_ENGINE_FIXED_H

#include <stdint.h>

#include "model.h"

/* ---- random numbers: xorshift32 (Marsaglia 2003, "Xorshift RNGs", triple 13, 17, 5) ---- */

/* A state from any seed: never 0, and neighbouring seeds give unrelated sequences. */
uint32_t rt_fixed_seed(uint32_t seed);

/* in-out: state. Returns the new state, uniform over 1..2^32-1. */
static inline uint32_t rt_fixed_random(uint32_t *state) {
  uint32_t x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  *state = x;
  return x;
}

/* Uniform over 0..bound-1; bound 1..65536. The upper half of the generator, scaled. */
uint32_t rt_fixed_random_below(uint32_t *state, uint32_t bound);

/* About normal, standard deviation sigma_q8 / 256, in units of 1/256: four uniform bytes of one
 * random word added up. sigma_q8 0..32767. */
int32_t rt_fixed_random_normal(uint32_t *state, int32_t sigma_q8);

/* ---- rounding ---- */

/* floor(x / 2^shift + u), u uniform in [0, 1) from the top bits of random: unbiased. shift 0..30,
 * |x| < 2^30 for shift 30, so that the sum does not overflow. */
static inline int32_t rt_fixed_round_stochastic(int32_t x, uint32_t shift, uint32_t random) {
  if (shift == 0) return x;
  return (x + (int32_t)(random >> (32u - shift))) >> shift;
}

static inline int32_t rt_fixed_clamp(int32_t x, int32_t limit) {
  return x > limit ? limit : (x < -limit ? -limit : x);
}

static inline int32_t rt_fixed_abs(int32_t x) { return x < 0 ? -x : x; }

/* Bits needed for the magnitude: 0 for 0, else floor(log2(x)) + 1. (Cortex-M0+ cannot count leading
 * zeros in one instruction either.) */
int32_t rt_fixed_bits(uint32_t x);

/* floor(a / b), b > 0, by shifting and subtracting: these cores have no divider. Some 300 cycles.
 */
uint32_t rt_fixed_divide(uint32_t a, uint32_t b);

/* About 2^30 / x for x in [2^14, 2^15]: within 3 units, at most 2^16. */
uint32_t rt_fixed_reciprocal(uint32_t x);

/* ---- a positive factor for inner loops: mantissa * 2^-shift, mantissa in [2^14, 2^15) or 0 ----
 */

typedef struct {
  int32_t mantissa;
  int32_t shift;
} rt_scale_t;

/* x * scale, rounded stochastically and clamped to +-limit (limit < 2^30). |x| <= 32768. */
int32_t rt_fixed_scale_stochastic(int32_t x, rt_scale_t scale, uint32_t random, int32_t limit);

/* x * scale for any 32-bit x, rounded towards 0, clamped to +-limit (limit < 2^30). Two 32-bit
 * multiplies. */
int32_t rt_fixed_scale_wide(int32_t x, rt_scale_t scale, int32_t limit);

/* The same, without a call where no more than two multiplies are needed. */
static inline int32_t rt_fixed_scale_quick(int32_t x, rt_scale_t scale, int32_t limit) {
  if ((uint32_t)(scale.shift - 16) > 15u) return rt_fixed_scale_wide(x, scale, limit);
  uint32_t magnitude = x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
  uint32_t low = (magnitude & 0xffffu) * (uint32_t)scale.mantissa;
  uint32_t upper = (magnitude >> 16) * (uint32_t)scale.mantissa + (low >> 16);
  int32_t result = (int32_t)(upper >> (scale.shift - 16));
  if (result > limit) result = limit;
  return x < 0 ? -result : result;
}

/* ---- reals: mantissa * 2^(exponent - 31) as in model.h; mantissa 0 is zero ---- */

rt_real_t rt_real_from_uint(uint32_t value, int32_t exponent); /* value * 2^exponent */
rt_real_t rt_real_multiply(rt_real_t a, rt_real_t b);

/* a * 2^exponent */
static inline rt_real_t rt_real_shift(rt_real_t a, int32_t exponent) {
  a.exponent += exponent;
  return a;
}

/* The same with 15 bits of b, for norms and steps: within 2^-14. */
static inline rt_real_t rt_real_rough(rt_real_t a, rt_real_t b) {
  const uint32_t product = ((uint32_t)a.mantissa >> 15) * ((uint32_t)b.mantissa >> 16);
  const uint32_t low = ~(product >> 30) & 1u; /* 1: normalised by one bit */
  rt_real_t result;
  result.mantissa = (int32_t)(product << low);
  result.exponent = product == 0 ? 0 : a.exponent + b.exponent - (int32_t)low;
  return result;
}

rt_real_t rt_real_divide(rt_real_t a, rt_real_t b); /* b not 0 */
rt_real_t rt_real_add(rt_real_t a, rt_real_t b);
rt_real_t rt_real_sqrt(rt_real_t a);
int32_t rt_real_less(rt_real_t a, rt_real_t b); /* 1 when a < b */
rt_scale_t rt_real_to_scale(rt_real_t a);

/* round(x * a), clamped to +-(2^30 - 1). */
int32_t rt_real_apply(rt_real_t a, int32_t x);

/* ---- functions ---- */

/* exp(-x) in Q20, x >= 0 in Q16. Error below 3 units + 1.5e-5 of the value. */
uint32_t rt_fixed_exp_negative(uint32_t x_q16);

/* ln(x) in Q16 for x in Q20, x >= 2^20. Error below 2 units. */
uint32_t rt_fixed_log(uint32_t x_q20);

/* (1 + cos(pi * position)) / 2 in Q15; position in Q32, [0, 1). */
int32_t rt_fixed_cosine_decay(uint32_t position_q32);

/* floor(sqrt(x)) */
uint32_t rt_fixed_sqrt(uint32_t x);

#endif
