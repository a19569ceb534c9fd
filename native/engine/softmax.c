/*
 * SOFTMAX over the channels of each pixel: TensorFlow Lite's fixed-point reference (int8 to int8),
 * with gemmlowp's exp on negative values and its reciprocal by Newton's method. Qn.m below means n
 * integer and m fraction bits beside the sign.
 */
#include "kernels.h"
#include "requantise.h"

#define ONE INT32_MAX /* 1.0 in Q0.31, as near as it goes */

/* x * 2^n, saturating. */
static int32_t shift_left(int32_t x, uint32_t n) {
  const int32_t limit = INT32_MAX >> n;
  if (x > limit) return INT32_MAX;
  if (x < -limit - 1) return INT32_MIN;
  return (int32_t)((uint32_t)x << n);
}

/* exp(a) for a in [-1/4, 0), Q0.31 both: Taylor's series about -1/8. */
static int32_t exp_quarter(int32_t a) {
  const int32_t exp_eighth = 1895147668; /* exp(-1/8) */
  const int32_t third = 715827883;
  const int32_t x = a + (1 << 28);
  const int32_t x2 = rt_high_mul(x, x);
  const int32_t x3 = rt_high_mul(x2, x);
  const int32_t x4 = rt_high_mul(x2, x2);
  const int32_t x4_over_4 = rt_round_shift(x4, 2);
  const int32_t tail = rt_round_shift(rt_high_mul(x4_over_4 + x3, third) + x2, 1);
  return exp_eighth + rt_high_mul(exp_eighth, x + tail);
}

/* exp(a) for a in Q5.26, -31 <= a <= 0; the result in Q0.31. The part below a quarter goes through
 * the series; each bit of the rest multiplies by exp(-1/4), exp(-1/2), exp(-1) ... exp(-16). */
static int32_t exp_negative(int32_t a) {
  static const int32_t factors[7] = {1672461947, 1302514674, 790015084, 290630308,
                                     39332535,   720401,     242};
  const int32_t quarter = 1 << 24;
  if (a == 0) return ONE;
  const int32_t fraction = (a & (quarter - 1)) - quarter;
  const int32_t rest = fraction - a;
  int32_t result = exp_quarter(shift_left(fraction, 5));
  for (uint32_t i = 0; i < 7; i++) {
    if (rest & (1 << (24 + i))) result = rt_high_mul(result, factors[i]);
  }
  return result;
}

/* 1 / (1 + x) for x in [0, 1), Q0.31 both: three steps of Newton's method in Q2.29. */
static int32_t reciprocal_one_plus(int32_t x) {
  const int32_t two = 1 << 29; /* 1.0 in Q2.29 */
  /* (x + 1) / 2; both are non-negative, so that an unsigned sum has room for the carry. */
  const int32_t half = (int32_t)(((uint32_t)x + (uint32_t)ONE + 1u) >> 1);
  int32_t r = 1515870810 + rt_high_mul(half, -1010580540); /* 48/17 - 32/17 d */
  for (int32_t i = 0; i < 3; i++) {
    const int32_t error = two - rt_high_mul(half, r);
    r += shift_left(rt_high_mul(r, error), 2);
  }
  return shift_left(r, 1); /* halved and from Q1.30 to Q0.31 */
}

static uint32_t leading_zeros(uint32_t x) {
  uint32_t n = 0;
  for (; n < 32 && !(x & 0x80000000u); n++) x <<= 1;
  return n;
}

static int32_t scaled_difference(const rt_softmax_t *s, int32_t difference) {
  return rt_high_mul((int32_t)((uint32_t)difference << s->left_shift), s->multiplier);
}

static int32_t maximum(const int8_t *x, int32_t count) {
  int32_t max = x[0];
  for (int32_t i = 1; i < count; i++) max = x[i] > max ? x[i] : max;
  return max;
}

#define KEPT 16 /* exponentials that need not be computed twice */

/* exp(difference) in Q0.31; 0 below the least difference. */
static int32_t exponential(const rt_softmax_t *s, int32_t difference) {
  return difference < s->diff_min ? 0 : exp_negative(scaled_difference(s, difference));
}

static void softmax_pixel(const rt_softmax_t *s, const int8_t *x, int32_t count, int8_t *y) {
  int32_t kept[KEPT];
  const int32_t max = maximum(x, count);
  int32_t sum = 0; /* Q12.19 */
  for (int32_t i = 0; i < count; i++) {
    const int32_t e = exponential(s, x[i] - max);
    if (i < KEPT) kept[i] = e;
    sum += rt_round_shift(e, 12);
  }
  const uint32_t headroom = leading_zeros((uint32_t)sum);
  const int32_t scale = reciprocal_one_plus((int32_t)(((uint32_t)sum << headroom) - 0x80000000u));
  /* Bits over unit are 12 - headroom; the result is wanted in units of 1/256. */
  const uint32_t shift = 12 - headroom + 31 - 8;
  for (int32_t i = 0; i < count; i++) {
    const int32_t e = i < KEPT ? kept[i] : exponential(s, x[i] - max);
    const int32_t q = rt_round_shift(rt_high_mul(scale, e), shift) - 128;
    y[i] = (int8_t)rt_clamp(q, -128, 127);
  }
}

void rt_softmax_row(const rt_kernel_t *k, int32_t row) {
  const int32_t channels = k->output->channels;
  const int32_t pitch = k->output->width * channels;
  for (int32_t i = 0; i < pitch; i += channels) {
    softmax_pixel(k->layer->softmax, k->x + row * pitch + i, channels, k->y + row * pitch + i);
  }
}
