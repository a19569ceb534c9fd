/* rt_dot_plain for WebAssembly: sixteen products at a time, four rows at a time. */
#include "dot.h"
#include "simd.h"

#if RT_SIMD

#define ROWS 4

static v128_t dot_16(const int8_t *w, v128_t low, v128_t high, v128_t sum) {
  const v128_t v = wasm_v128_load(w);
  const v128_t first = wasm_i32x4_dot_i16x8(wasm_i16x8_extend_low_i8x16(v), low);
  const v128_t second = wasm_i32x4_dot_i16x8(wasm_i16x8_extend_high_i8x16(v), high);
  return wasm_i32x4_add(sum, wasm_i32x4_add(first, second));
}

/* What is left of a row behind its last eight. */
static uint32_t dot_rest(const int8_t *w, const int8_t *x, int32_t from, int32_t count) {
  uint32_t sum = 0;
  for (int32_t i = from; i < count; i++) sum += (uint32_t)(w[i] * x[i]);
  return sum;
}

/* Four rows, or one that stands for four (stride 0). */
static v128_t dot_rows(const int8_t *w, int32_t stride, const int8_t *x, int32_t count) {
  v128_t sums[ROWS] = {wasm_i32x4_splat(0), wasm_i32x4_splat(0), wasm_i32x4_splat(0),
                       wasm_i32x4_splat(0)};
  int32_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const v128_t v = wasm_v128_load(x + i);
    const v128_t low = wasm_i16x8_extend_low_i8x16(v);
    const v128_t high = wasm_i16x8_extend_high_i8x16(v);
    for (int32_t r = 0; r < ROWS; r++) sums[r] = dot_16(w + r * stride + i, low, high, sums[r]);
  }
  if (i + 8 <= count) {
    const v128_t v = wasm_i16x8_load8x8(x + i);
    for (int32_t r = 0; r < ROWS; r++) {
      const v128_t term = wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(w + r * stride + i), v);
      sums[r] = wasm_i32x4_add(sums[r], term);
    }
    i += 8;
  }
  v128_t sum = rt_simd_sums(sums);
  if (i < count) {
    const v128_t rest = wasm_u32x4_make(dot_rest(w, x, i, count), dot_rest(w + stride, x, i, count),
                                        dot_rest(w + 2 * stride, x, i, count),
                                        dot_rest(w + 3 * stride, x, i, count));
    sum = wasm_i32x4_add(sum, rest);
  }
  return sum;
}

void rt_dot_plain(const int8_t *weights, int32_t stride, const int8_t *x, int32_t count,
                  int32_t rows, int32_t *acc) {
  int32_t r = 0;
  for (; r + ROWS <= rows; r += ROWS, weights += ROWS * stride) {
    const v128_t sum = dot_rows(weights, stride, x, count);
    wasm_v128_store(acc + r, wasm_i32x4_add(wasm_v128_load(acc + r), sum));
  }
  for (; r < rows; r++, weights += stride) {
    const uint32_t sum = (uint32_t)wasm_i32x4_extract_lane(dot_rows(weights, 0, x, count), 0);
    acc[r] = (int32_t)((uint32_t)acc[r] + sum);
  }
}

#endif
