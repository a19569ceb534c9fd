#include "dot.h"

#include "settle.h"
#include "simd.h"

/*
 * Four products from one 32-bit load of weights. Let v be the weight word with its three lower
 * bytes offset by 128 (one exclusive or), so that v = v0 + 2^8 v1 + 2^16 v2 + 2^24 w3,  vi = wi +
 * 128 >= 0,  w3 signed, and v >> 8 = v1 + 2^8 v2 + 2^16 w3 exactly, and so on. Multiplying the
 * unmasked words with a0 = x0, a1 = x1 - 2^8 x0, a2 = x2 - 2^8 x1, a3 = x3 - 2^8 x2 leaves v0 x0 +
 * v1 x1 + v2 x2 + w3 x3: each word's upper part cancels against the next term modulo 2^32. The
 * offsets add 128 (x0 + x1 + x2), the same for every row, taken off once.
 */
#define OFFSETS 0x00808080u

uint32_t rt_dot_expand(const int8_t *x, int32_t count, uint32_t *a) {
  uint32_t sum = 0;
  for (const int8_t *end = x + count; x < end; x += 4) {
    const uint32_t x0 = (uint32_t)x[0];
    const uint32_t x1 = (uint32_t)x[1];
    const uint32_t x2 = (uint32_t)x[2];
    *a++ = x0;
    *a++ = x1 - (x0 << 8);
    *a++ = x2 - (x1 << 8);
    *a++ = (uint32_t)x[3] - (x2 << 8);
    sum += x0 + x1 + x2;
  }
  return sum << 7;
}

static inline uint32_t load_word(const int8_t *p) {
  uint32_t word;
  __builtin_memcpy(&word, __builtin_assume_aligned(p, 4), 4);
  return word;
}

static inline uint32_t arithmetic_shift(uint32_t x, uint32_t n) {
  return (uint32_t)((int32_t)x >> n);
}

/* Live at once: w, a, end, sum, the mask, v and two more, as many as there are low registers. */
static uint32_t dot_row(const int8_t *w, const uint32_t *a, const uint32_t *end, uint32_t sum) {
  uint32_t offsets = OFFSETS;
  RT_SETTLE(offsets, sum);
  do {
    const uint32_t v = load_word(w) ^ offsets;
    w += 4;
    sum += v * *a++;
    RT_SETTLE(sum, a);
    sum += arithmetic_shift(v, 8) * *a++;
    RT_SETTLE(sum, a);
    sum += arithmetic_shift(v, 16) * *a++;
    RT_SETTLE(sum, a);
    sum += arithmetic_shift(v, 24) * *a++;
    RT_SETTLE(sum, a);
  } while (a != end);
  return sum;
}

void rt_dot_packed(const int8_t *weights, int32_t stride, const uint32_t *a, int32_t count,
                   uint32_t correction, int32_t rows, int32_t *acc) {
  for (int32_t c = 0; c < rows; c++, weights += stride) {
    acc[c] = (int32_t)dot_row(weights, a, a + count, (uint32_t)acc[c] - correction);
  }
}

#if !RT_SIMD /* dot_simd.c */
void rt_dot_plain(const int8_t *weights, int32_t stride, const int8_t *x, int32_t count,
                  int32_t rows, int32_t *acc) {
  for (int32_t c = 0; c < rows; c++, weights += stride) {
    uint32_t sum = (uint32_t)acc[c];
    for (int32_t i = 0; i < count; i++) sum += (uint32_t)(weights[i] * x[i]);
    acc[c] = (int32_t)sum;
  }
}
#endif
