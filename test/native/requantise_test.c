/* The 32-bit arithmetic against gemmlowp's definitions in 64 bits. */
#include "engine/requantise.h"

#include "harness.h"

/* gemmlowp fixedpoint.h, SaturatingRoundingDoublingHighMul. */
static int32_t high_mul(int32_t a, int32_t b) {
  const int64_t product = (int64_t)a * b;
  const int64_t nudge = product >= 0 ? (1ll << 30) : 1 - (1ll << 30);
  return (int32_t)((product + nudge) / (1ll << 31));
}

/* gemmlowp fixedpoint.h, RoundingDivideByPOT: half away from zero, here by its meaning. */
static int32_t round_shift(int32_t x, uint32_t n) {
  const int64_t half = n == 0 ? 0 : 1ll << (n - 1);
  const int64_t magnitude = x < 0 ? -(int64_t)x : x;
  const int64_t rounded = (magnitude + half) >> n;
  return (int32_t)(x < 0 ? -rounded : rounded);
}

static int32_t requantise(int32_t x, int32_t multiplier, int32_t shift) {
  const uint32_t left = shift > 0 ? (uint32_t)shift : 0;
  const uint32_t right = shift > 0 ? 0 : (uint32_t)-shift;
  return round_shift(high_mul((int32_t)((uint32_t)x << left), multiplier), right);
}

void rt_test_requantise(void) {
  for (int32_t i = 0; i < 400000; i++) {
    const int32_t a = rt_test_extreme();
    const int32_t b = rt_test_extreme();
    const uint32_t n = rt_test_random() % 32;
    const int32_t multiplier = rt_test_extreme() & INT32_MAX;
    const int32_t shift = rt_test_between(-31, 30);
    if (a != INT32_MIN || b != INT32_MIN) CHECK(rt_high_mul(a, b) == high_mul(a, b));
    CHECK(rt_round_shift(a, n) == round_shift(a, n));
    CHECK(rt_requantise(a, multiplier, shift) == requantise(a, multiplier, shift));
  }
  /* Every half of a small range, where a wrong tie would show. */
  for (int32_t x = -70000; x <= 70000; x++) {
    CHECK(rt_requantise(x, 1 << 30, -3) == requantise(x, 1 << 30, -3));
    CHECK(rt_requantise(x, 1 << 30, 0) == requantise(x, 1 << 30, 0));
  }
}
