/*
 * Fixed-point arithmetic of TensorFlow Lite's INT8 specification (gemmlowp's definitions), without
 * a 64-bit operation: Cortex-M0+ has only the 32x32->32 multiply, and a 64-bit product is a library
 * call there. Right shifts of negative numbers are arithmetic on every compiler we build with.
 */
#ifndef RT_ENGINE_REQUANTISE_H
#define RT_ENGINE_REQUANTISE_H

#include <stdint.h>

/*
 * gemmlowp's SaturatingRoundingDoublingHighMul: round(a * b / 2^31), halves towards +infinity (its
 * nudge and truncating division amount to that for both signs). Four multiplies:
 *   a = ah 2^16 + al, b = bh 2^16 + bl with al, bl in [0, 2^16)
 *   a b = ah bh 2^32 + (ah bl + al bh) 2^16 + al bl
 * middle takes ah bl and the carry of al bl, at most 32767 * 65535 + 65534 < 2^31; lower takes its
 * low half and al bh, at most 65535 * 32767 + 65535 < 2^31 - 2^14. The low 16 bits of al bl cannot
 * change the rounding at bit 30. The one pair that saturates (both INT32_MIN) wraps here;
 * multipliers are never negative.
 */
static inline int32_t rt_high_mul(int32_t a, int32_t b) {
#if defined(__riscv_mul) /* has the upper half of a product in one instruction */
  return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
#else
  const int32_t ah = a >> 16;
  const int32_t bh = b >> 16;
  const uint32_t al = (uint32_t)a & 0xffffu;
  const uint32_t bl = (uint32_t)b & 0xffffu;
  const int32_t middle = (int32_t)((uint32_t)ah * bl + ((al * bl) >> 16));
  const int32_t lower = (int32_t)(((uint32_t)middle & 0xffffu) + al * (uint32_t)bh);
  const uint32_t upper = (uint32_t)ah * (uint32_t)bh + (uint32_t)(middle >> 16);
  return (int32_t)((upper << 1) + (uint32_t)((lower + 0x4000) >> 15));
#endif
}

/* gemmlowp's RoundingDivideByPOT: x / 2^n, halves away from zero. n: 0..31. */
static inline int32_t rt_round_shift(int32_t x, uint32_t n) {
  const uint32_t mask = (1u << n) - 1u;
  const uint32_t remainder = (uint32_t)x & mask;
  const uint32_t threshold = (mask >> 1) + ((uint32_t)x >> 31);
  return (x >> n) + (remainder > threshold ? 1 : 0);
}

/* TensorFlow Lite's MultiplyByQuantizedMultiplier: x * multiplier * 2^(shift - 31), rounded twice.
 * multiplier >= 0; shift: -31..30, positive is left. A left shift out of 32 bits wraps. The right
 * shift is rt_round_shift in fewer steps: floor((t / 2^(n-1) + 1) / 2) with t = x, or x - 1 when x
 * is negative. rt_high_mul with a multiplier that is not negative never gives INT32_MIN. */
static inline int32_t rt_requantise(int32_t x, int32_t multiplier, int32_t shift) {
  if (shift >= 0) return rt_high_mul((int32_t)((uint32_t)x << shift), multiplier);
  const int32_t product = rt_high_mul(x, multiplier);
  return (((product + (product >> 31)) >> ~shift) + 1) >> 1;
}

static inline int32_t rt_clamp(int32_t x, int32_t low, int32_t high) {
  if (x < low) return low;
  return x > high ? high : x;
}

/* An accumulator to an output value: requantise, add the zero point, clamp to the activation. The
 * clamp comes first, so that no sum can wrap. */
static inline int8_t rt_output(int32_t acc, int32_t multiplier, int32_t shift, int32_t zero_point,
                               int32_t low, int32_t high) {
  const int32_t q = rt_requantise(acc, multiplier, shift);
  return (int8_t)(rt_clamp(q, low - zero_point, high - zero_point) + zero_point);
}

#endif
