#include "pair_rv32.h"

#include "settle.h"

#if defined(__riscv)

/* Inlined with constants, so that every array below becomes registers. */
#define CONSTANT static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

typedef struct {
  uint32_t of[4][RT_PAIR_PIXELS];
} sums_t;

/* One quad of four rows: each word of weights with the words of all pixels. */
CONSTANT void quad(const uint32_t *w, const uint32_t *x, uint32_t pixels, uint32_t half,
                   int is_wide, sums_t *sums) {
  uint32_t even[RT_PAIR_PIXELS], odd[RT_PAIR_PIXELS];
  UNROLL for (uint32_t p = 0; p < pixels; p++) {
    even[p] = x[p];
    odd[p] = x[pixels + p];
    RT_SETTLE(even[p], odd[p]);
  }
  UNROLL for (uint32_t r = 0; r < 4; r++) {
    uint32_t v = w[r], u = w[4 + r];
    RT_SETTLE(v, u);
    UNROLL for (uint32_t p = 0; p < pixels; p++) {
      uint32_t product = v * even[p] + half;
      if (is_wide) {
        sums->of[r][p] += (uint32_t)((int32_t)product >> 16);
        product = half;
      }
      sums->of[r][p] += (uint32_t)((int32_t)(product + u * odd[p]) >> 16);
    }
  }
}

CONSTANT void block(const uint32_t *w, uint32_t wide, const uint32_t *x, uint32_t pixels,
                    uint32_t quads, int32_t *acc) {
  const uint32_t *end = w + 8 * quads;
  uint32_t half = 0x8000u;
  sums_t sums;
  __asm__("" : "+r"(half)); /* or it is loaded anew for every addition */
  UNROLL for (uint32_t p = 0; p < pixels; p++) {
    UNROLL for (uint32_t r = 0; r < 4; r++) sums.of[r][p] = (uint32_t)acc[p * RT_PAIR_ROWS + r];
  }
  for (; w != end; w += 8, x += 2 * pixels, wide <<= 1) {
    if ((int32_t)wide < 0) {
      quad(w, x, pixels, half, 1, &sums);
    } else {
      quad(w, x, pixels, half, 0, &sums);
    }
  }
  UNROLL for (uint32_t p = 0; p < pixels; p++) {
    UNROLL for (uint32_t r = 0; r < 4; r++) acc[p * RT_PAIR_ROWS + r] = (int32_t)sums.of[r][p];
  }
}

#define BLOCKS(name, pixels)                                                                    \
  RT_NOINLINE static void name(const uint32_t *packed, const uint32_t *wide, const uint32_t *x, \
                               uint32_t quads, uint32_t blocks, int32_t *acc) {                 \
    for (; blocks > 0; blocks--, packed += 8 * quads, acc += 4) {                               \
      block(packed, *wide++, x, pixels, quads, acc);                                            \
    }                                                                                           \
  }

BLOCKS(blocks_of_1, 1)
BLOCKS(blocks_of_2, 2)
BLOCKS(blocks_of_3, 3)

void rt_pair_dots(const uint32_t *packed, const uint32_t *wide, const rt_pair_pixels_t *x,
                  uint32_t pixels, uint32_t quads, uint32_t blocks, int32_t *acc) {
  if (pixels == 3) {
    blocks_of_3(packed, wide, x->words, quads, blocks, acc);
  } else if (pixels == 2) {
    blocks_of_2(packed, wide, x->words, quads, blocks, acc);
  } else {
    blocks_of_1(packed, wide, x->words, quads, blocks, acc);
  }
}

static inline uint32_t pair(int8_t lower, int8_t upper) {
  return (uint32_t)lower + ((uint32_t)upper << 16);
}

void rt_pair_expand(const int8_t *x, int32_t step, uint32_t pixels, uint32_t count,
                    rt_pair_pixels_t *out) {
  for (uint32_t p = 0; p < pixels; p++, x += step) {
    uint32_t *words = out->words + p;
    const int8_t *from = x;
    for (const int8_t *end = x + (count & ~3u); from != end; from += 4, words += 2 * pixels) {
      words[0] = pair(from[0], from[2]);
      words[pixels] = pair(from[1], from[3]);
    }
    const uint32_t rest = count & 3u;
    if (rest > 0) {
      words[0] = pair(from[0], rest > 2 ? from[2] : 0);
      words[pixels] = pair(rest > 1 ? from[1] : 0, 0);
    }
  }
}

#endif
