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

/* acc[RT_PAIR_ROWS * p + r] += piece . pixel p, modulo 2^32, for 4 * blocks rows. in: packed, the
 * piece's first word; wide, one word a block (pair_dot.h); pixels 1..RT_PAIR_PIXELS as in
 * rt_pair_expand. */
void rt_pair_dots(const uint32_t *packed, const uint32_t *wide, const rt_pair_pixels_t *x,
                  uint32_t pixels, uint32_t quads, uint32_t blocks, int32_t *acc);

#endif
