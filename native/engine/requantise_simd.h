/* rt_requantise and rt_output of requantise.h, four lanes at a time. */
#ifndef RT_ENGINE_REQUANTISE_SIMD_H
#define RT_ENGINE_REQUANTISE_SIMD_H

#include "simd.h"

#if RT_SIMD

#include "model.h"

/* What four channels are requantised with. */
typedef struct {
  v128_t multiplier;
  v128_t left;  /* 2^shift where shift is positive, else 1 */
  v128_t right; /* 2^(30 - n), where n + 1 is the right shift; any where there is none */
  v128_t is_right;
} rt_simd_scale_t;

/* 2^n for n in 0..30, by way of a float's exponent. */
static inline v128_t rt_simd_power(v128_t n) {
  const v128_t bits = wasm_i32x4_shl(wasm_i32x4_add(n, wasm_i32x4_splat(127)), 23);
  return wasm_i32x4_trunc_sat_f32x4(bits);
}

static inline rt_simd_scale_t rt_simd_scale(const int32_t *multiplier, const int32_t *shift) {
  const v128_t s = wasm_v128_load(shift);
  const v128_t zero = wasm_i32x4_splat(0);
  rt_simd_scale_t scale;
  scale.multiplier = wasm_v128_load(multiplier);
  scale.left = rt_simd_power(wasm_i32x4_max(s, zero));
  scale.is_right = wasm_i32x4_lt(s, zero);
  /* ~shift is n; 30 + shift + 1 = 30 - n */
  scale.right =
      rt_simd_power(wasm_i32x4_add(wasm_i32x4_min(s, wasm_i32x4_splat(-1)), wasm_i32x4_splat(31)));
  return scale;
}

/* The low words of four 64-bit lanes. */
static inline v128_t rt_simd_low_words(v128_t low, v128_t high) {
  return wasm_i32x4_shuffle(low, high, 0, 2, 4, 6);
}

/* rt_high_mul: (a b + 2^30) >> 31 */
static inline v128_t rt_simd_high_mul(v128_t a, v128_t b) {
  const v128_t half = wasm_i64x2_splat(1 << 30);
  const v128_t low = wasm_i64x2_add(wasm_i64x2_extmul_low_i32x4(a, b), half);
  const v128_t high = wasm_i64x2_add(wasm_i64x2_extmul_high_i32x4(a, b), half);
  return rt_simd_low_words(wasm_u64x2_shr(low, 31), wasm_u64x2_shr(high, 31));
}

/* x >> n with right = 2^(30 - n): lanes have no shifts of their own. */
static inline v128_t rt_simd_shift(v128_t x, v128_t right) {
  const v128_t low = wasm_i64x2_extmul_low_i32x4(x, right);
  const v128_t high = wasm_i64x2_extmul_high_i32x4(x, right);
  return rt_simd_low_words(wasm_u64x2_shr(low, 30), wasm_u64x2_shr(high, 30));
}

/* rt_requantise */
static inline v128_t rt_simd_requantise(v128_t x, const rt_simd_scale_t *scale) {
  const v128_t product = rt_simd_high_mul(wasm_i32x4_mul(x, scale->left), scale->multiplier);
  const v128_t away = wasm_i32x4_add(product, wasm_i32x4_shr(product, 31));
  const v128_t shifted = rt_simd_shift(away, scale->right);
  const v128_t rounded = wasm_i32x4_shr(wasm_i32x4_add(shifted, wasm_i32x4_splat(1)), 1);
  return wasm_v128_bitselect(rounded, product, scale->is_right);
}

/* rt_output, four values in their lowest bytes. */
static inline uint32_t rt_simd_output(v128_t acc, const rt_simd_scale_t *scale, v128_t zero_point,
                                      v128_t low, v128_t high) {
  const v128_t q = rt_simd_requantise(acc, scale);
  const v128_t above = wasm_i32x4_max(q, wasm_i32x4_sub(low, zero_point));
  const v128_t within = wasm_i32x4_min(above, wasm_i32x4_sub(high, zero_point));
  const v128_t clamped = wasm_i32x4_add(within, zero_point);
  const v128_t halves = wasm_i16x8_narrow_i32x4(clamped, clamped);
  return (uint32_t)wasm_i32x4_extract_lane(wasm_i8x16_narrow_i16x8(halves, halves), 0);
}

#endif

#endif
