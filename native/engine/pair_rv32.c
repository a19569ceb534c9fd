#include "pair_rv32.h"

#include "settle.h"

#if defined(__riscv)

/* Inlined with constants, so that every array below becomes registers. */
#define CONSTANT static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

#define MOST_ROWS 4

typedef struct {
  uint32_t of[RT_PAIR_PIXELS][MOST_ROWS];
} sums_t;

/* One quad of `rows` rows: the words of each pixel with the words of all rows. */
CONSTANT void quad(const uint32_t *w, const uint32_t *x, uint32_t rows, uint32_t pixels,
                   uint32_t half, int is_wide, sums_t *sums) {
  uint32_t v[MOST_ROWS], u[MOST_ROWS];
  UNROLL for (uint32_t r = 0; r < rows; r++) {
    v[r] = w[r];
    u[r] = w[4 + r];
  }
  UNROLL for (uint32_t p = 0; p < pixels; p++) {
    uint32_t even = x[2 * p], odd = x[2 * p + 1];
    RT_SETTLE(even, odd);
    UNROLL for (uint32_t r = 0; r < rows; r++) {
      uint32_t product = v[r] * even + half;
      if (is_wide) {
        sums->of[p][r] += (uint32_t)((int32_t)product >> 16);
        product = half;
      }
      sums->of[p][r] += (uint32_t)((int32_t)(product + u[r] * odd) >> 16);
    }
  }
}

/* `rows` rows of a block: a bit of wide, from the highest down, for each quad. */
CONSTANT void rows_of_block(const uint32_t *w, uint32_t wide, const uint32_t *x, uint32_t rows,
                            uint32_t pixels, uint32_t quads, const int32_t *bias, int32_t *acc) {
  const uint32_t *end = w + 8 * quads;
  uint32_t half = 0x8000u;
  sums_t sums;
  __asm__("" : "+r"(half)); /* or it is loaded anew for every addition */
  if (bias) {
    UNROLL for (uint32_t r = 0; r < rows; r++) {
      const uint32_t sum = (uint32_t)bias[r];
      UNROLL for (uint32_t p = 0; p < pixels; p++) sums.of[p][r] = sum;
    }
  } else {
    UNROLL for (uint32_t p = 0; p < pixels; p++) {
      UNROLL for (uint32_t r = 0; r < rows; r++) {
        sums.of[p][r] = (uint32_t)acc[p * RT_PAIR_ROWS + r];
      }
    }
  }
  for (; w != end; w += 8, x += 2 * pixels, wide <<= 1) {
    if ((int32_t)wide < 0) {
      quad(w, x, rows, pixels, half, 1, &sums);
    } else {
      quad(w, x, rows, pixels, half, 0, &sums);
    }
  }
  UNROLL for (uint32_t p = 0; p < pixels; p++) {
    UNROLL for (uint32_t r = 0; r < rows; r++) {
      acc[p * RT_PAIR_ROWS + r] = (int32_t)sums.of[p][r];
    }
  }
}

/* Few pixels leave registers for four rows at once, more of them for two. */
CONSTANT void all_blocks(const rt_pair_piece_t *piece, uint32_t pixels, const int32_t *bias,
                         int32_t *acc) {
  const uint32_t *w = piece->packed;
  const uint32_t *wide = piece->wide;
  const uint32_t *x = piece->x->words;
  const uint32_t quads = piece->quads;
  for (const int32_t *end = acc + 4 * piece->blocks; acc != end; acc += 4, w += 8 * quads) {
    const uint32_t bits = *wide++;
    if (pixels <= 2) {
      rows_of_block(w, bits | bits << 16, x, 4, pixels, quads, bias, acc);
    } else {
      rows_of_block(w, bits, x, 2, pixels, quads, bias, acc);
      rows_of_block(w + 2, bits << 16, x, 2, pixels, quads, bias ? bias + 2 : 0, acc + 2);
    }
    if (bias) bias += 4;
  }
}

#define BLOCKS(name, pixels)                                                                      \
  RT_NOINLINE static void name(const rt_pair_piece_t *piece, const int32_t *bias, int32_t *acc) { \
    all_blocks(piece, pixels, bias, acc);                                                         \
  }

BLOCKS(blocks_of_1, 1)
BLOCKS(blocks_of_2, 2)
BLOCKS(blocks_of_3, 3)
BLOCKS(blocks_of_4, 4)
BLOCKS(blocks_of_5, 5)

typedef void (*blocks_t)(const rt_pair_piece_t *piece, const int32_t *bias, int32_t *acc);

void rt_pair_dots(const rt_pair_piece_t *piece, uint32_t pixels, const int32_t *bias,
                  int32_t *acc) {
  static const blocks_t kernels[RT_PAIR_PIXELS] = {blocks_of_1, blocks_of_2, blocks_of_3,
                                                   blocks_of_4, blocks_of_5};
  kernels[pixels - 1](piece, bias, acc);
}

static inline uint32_t pair(int8_t lower, int8_t upper) {
  return (uint32_t)lower + ((uint32_t)upper << 16);
}

void rt_pair_expand(const int8_t *x, int32_t step, uint32_t pixels, uint32_t count,
                    rt_pair_pixels_t *out) {
  for (uint32_t p = 0; p < pixels; p++, x += step) {
    uint32_t *words = out->words + 2 * p;
    const int8_t *from = x;
    for (const int8_t *end = x + (count & ~3u); from != end; from += 4, words += 2 * pixels) {
      words[0] = pair(from[0], from[2]);
      words[1] = pair(from[1], from[3]);
    }
    const uint32_t rest = count & 3u;
    if (rest > 0) {
      words[0] = pair(from[0], rest > 2 ? from[2] : 0);
      words[1] = pair(rest > 1 ? from[1] : 0, 0);
    }
  }
}

/* A block for one pixel; nobody says which quads are wide, so all are taken to be. */
static void wide_block(const uint32_t *w, const uint32_t *x, uint32_t quads, const int32_t *start,
                       int32_t *acc) {
  const uint32_t *end = w + 8 * quads;
  uint32_t half = 0x8000u;
  sums_t sums;
  __asm__("" : "+r"(half));
  UNROLL for (uint32_t r = 0; r < 4; r++) sums.of[0][r] = (uint32_t)start[r];
  for (; w != end; w += 8, x += 2) quad(w, x, 4, 1, half, 1, &sums);
  UNROLL for (uint32_t r = 0; r < 4; r++) acc[r] = (int32_t)sums.of[0][r];
}

void rt_pair_run(const rt_pair_job_t *jobs, uint32_t count, const int8_t *x, uint32_t quads) {
  rt_pair_pixels_t words;
  rt_pair_expand(x, 0, 1, 4u * quads, &words);
  for (const rt_pair_job_t *last = jobs + count; jobs != last; jobs++) {
    const uint32_t *packed = jobs->packed;
    for (uint32_t r = 0; r < 4u * jobs->blocks; r += 4, packed += 8u * quads) {
      wide_block(packed, words.words, quads, jobs->start + r, jobs->acc + r);
    }
  }
}

#endif
