/*
 * WebAssembly's 128-bit vectors, for the simulator's kernels. Files NAME_simd.c hold those kernels;
 * they are empty elsewhere, and what they replace in NAME.c is left out where they are not.
 *
 * Integers only and modulo 2^32, so that the order of a sum does not matter: every result is the
 * same bit for bit as that of the portable kernels.
 */
#ifndef RT_ENGINE_SIMD_H
#define RT_ENGINE_SIMD_H

#if defined(__wasm_simd128__)

#define RT_SIMD 1
#include <wasm_simd128.h>

/* Sums of the lanes of four vectors. */
static inline v128_t rt_simd_sums(const v128_t *v) {
  const v128_t low01 = wasm_i32x4_shuffle(v[0], v[1], 0, 4, 1, 5);
  const v128_t high01 = wasm_i32x4_shuffle(v[0], v[1], 2, 6, 3, 7);
  const v128_t low23 = wasm_i32x4_shuffle(v[2], v[3], 0, 4, 1, 5);
  const v128_t high23 = wasm_i32x4_shuffle(v[2], v[3], 2, 6, 3, 7);
  const v128_t sum01 = wasm_i32x4_add(low01, high01);
  const v128_t sum23 = wasm_i32x4_add(low23, high23);
  return wasm_i32x4_add(wasm_i32x4_shuffle(sum01, sum23, 0, 1, 4, 5),
                        wasm_i32x4_shuffle(sum01, sum23, 2, 3, 6, 7));
}

#else
#define RT_SIMD 0
#endif

#endif
