/*
 * Packed weights (pair_dot.h) times several pixels at once, for RV32IM: its registers hold the sums
 * of two rows for five pixels, so that a word of weights is loaded once for all of them. About two
 * instructions a product where a quad is not wide, else 2.5.
 */
#ifndef RT_ENGINE_PAIR_RV32_H
#define RT_ENGINE_PAIR_RV32_H

#include "pair_dot.h"

#define RT_PAIR_PIXELS 5

/* Activations of one piece as rt_pair_dots reads them: for each quad and pixel a word of columns 0
 * (lower half) and 2, then a word of columns 1 and 3. */
typedef struct {
  uint32_t words[RT_PAIR_COLUMNS / 2 * RT_PAIR_PIXELS];
} rt_pair_pixels_t;

/* Prepares columns x[0, count) of `pixels` pixels, `step` bytes apart; fills quads up with 0. */
void rt_pair_expand(const int8_t *x, int32_t step, uint32_t pixels, uint32_t count,
                    rt_pair_pixels_t *out);

/* A piece of a packed matrix (pair_dot.h) and what it is multiplied with. */
typedef struct {
  const uint32_t *packed;
  const uint32_t *wide; /* a word a block */
  const rt_pair_pixels_t *x;
  uint32_t quads;
  uint32_t blocks; /* of four rows */
} rt_pair_piece_t;

/* acc[RT_PAIR_ROWS * p + r] = start + piece . pixel p, modulo 2^32, for 4 * blocks rows r. The
 * start is bias[r], or what acc holds where bias is NULL. pixels: 1..RT_PAIR_PIXELS. */
void rt_pair_dots(const rt_pair_piece_t *piece, uint32_t pixels, const int32_t *bias, int32_t *acc);

#endif
