/* Inner loops of the way back for WebAssembly: rt_axpy and rt_emit_round. */
#include "backward_axpy.h"
#include "backward_emit.h"
#include "fixed.h"
#include "simd.h"

#if RT_SIMD

#define BLOCKS 4u /* computed together: one load of a term's factor for all of them */

/* Adds the two sums of each word, or sets them. */
static void unpack(v128_t words, int32_t *sums, uint32_t add) {
  const v128_t lower = wasm_i32x4_shr(wasm_i32x4_shl(words, 16), 16);
  const v128_t upper = wasm_i32x4_shr(wasm_i32x4_sub(words, lower), 16);
  v128_t first = wasm_i32x4_shuffle(lower, upper, 0, 4, 1, 5);
  v128_t second = wasm_i32x4_shuffle(lower, upper, 2, 6, 3, 7);
  if (add) {
    first = wasm_i32x4_add(first, wasm_v128_load(sums));
    second = wasm_i32x4_add(second, wasm_v128_load(sums + 4));
  }
  wasm_v128_store(sums, first);
  wasm_v128_store(sums + 4, second);
}

static void four_blocks(const rt_axpy_term_t *terms, uint32_t count, uint32_t word, v128_t *acc) {
  for (uint32_t t = 0; t < count; t++) {
    const v128_t factor = wasm_i32x4_splat(terms[t].factor);
    const uint32_t *row = rt_axpy_words(terms[t].row) + word;
    for (uint32_t b = 0; b < BLOCKS; b++) {
      const v128_t product = wasm_i32x4_mul(factor, wasm_v128_load(row + 4u * b));
      acc[b] = wasm_i32x4_add(acc[b], product);
    }
  }
}

static void one_block(const rt_axpy_term_t *terms, uint32_t count, uint32_t word, v128_t *acc) {
  for (uint32_t t = 0; t < count; t++) {
    const v128_t factor = wasm_i32x4_splat(terms[t].factor);
    const v128_t product =
        wasm_i32x4_mul(factor, wasm_v128_load(rt_axpy_words(terms[t].row) + word));
    *acc = wasm_i32x4_add(*acc, product);
  }
}

void rt_axpy(const rt_axpy_term_t *terms, uint32_t count, uint32_t blocks, int32_t *sums,
             uint32_t add, uint32_t start) {
  const v128_t from = wasm_u32x4_splat(start);
  uint32_t block = 0;
  for (; block + BLOCKS <= blocks; block += BLOCKS) {
    v128_t acc[BLOCKS] = {from, from, from, from};
    four_blocks(terms, count, 4u * block, acc);
    for (uint32_t b = 0; b < BLOCKS; b++) {
      unpack(acc[b], sums + (block + b) * RT_AXPY_BLOCK, add);
    }
  }
  for (; block < blocks; block++) {
    v128_t acc = from;
    one_block(terms, count, 4u * block, &acc);
    unpack(acc, sums + block * RT_AXPY_BLOCK, add);
  }
}

/* rt_emit_round of four elements. */
static v128_t round_four(v128_t sum, uint32_t noise, uint32_t narrow) {
  v128_t value = sum;
  if (narrow > 0) {
    const v128_t u = wasm_u32x4_make(noise << 24, noise << 16, noise << 8, noise);
    value = wasm_i32x4_shr(wasm_i32x4_add(sum, wasm_u32x4_shr(u, 32 - narrow)), narrow);
  }
  return wasm_i32x4_min(wasm_i32x4_max(value, wasm_i32x4_splat(-128)), wasm_i32x4_splat(127));
}

uint32_t rt_emit_round(const int32_t *sums, uint32_t count, int8_t *signal, uint32_t stride,
                       uint32_t narrow, uint32_t *random) {
  v128_t magnitudes = wasm_i32x4_splat(0);
  const uint32_t fours = count & ~3u;
  for (uint32_t n = 0; n < fours; n += 4, signal += 4u * stride) {
    const v128_t sum = wasm_v128_load(sums + n);
    const v128_t value = round_four(sum, rt_fixed_random(random), narrow);
    magnitudes = wasm_v128_or(magnitudes, wasm_v128_xor(sum, wasm_i32x4_shr(sum, 31)));
    signal[0] = (int8_t)wasm_i32x4_extract_lane(value, 0);
    signal[stride] = (int8_t)wasm_i32x4_extract_lane(value, 1);
    signal[2u * stride] = (int8_t)wasm_i32x4_extract_lane(value, 2);
    signal[3u * stride] = (int8_t)wasm_i32x4_extract_lane(value, 3);
  }
  return (uint32_t)(wasm_i32x4_extract_lane(magnitudes, 0) |
                    wasm_i32x4_extract_lane(magnitudes, 1) |
                    wasm_i32x4_extract_lane(magnitudes, 2) |
                    wasm_i32x4_extract_lane(magnitudes, 3)) |
         rt_emit_round_portable(sums + fours, count - fours, signal, stride, narrow, random);
}

#endif
