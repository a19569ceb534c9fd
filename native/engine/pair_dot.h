/*
 * Matrix times vector, two products a multiply: the inner loop of convolutions and fully connected
 * layers whose weights the compiler has packed (rt_layer_t.packed).
 *
 * Let x, y be two activations and w, v their weights. The 32-bit product
 *   (x + 2^16 y) (v + 2^16 w) = x v + 2^16 (x w + y v)   modulo 2^32
 * has the two products wanted in its upper half. |x w + y v| <= 128 * 255 fits there, since the
 * compiler packs no pair with |w| + |v| > 255; |x v| <= 2^14, so that adding 2^15 before the
 * arithmetic shift by 16 leaves it exact. On Cortex-M0+ the shift leaves the rounding bit in the
 * carry, where the addition to the accumulator takes it along: load, MULS, ASRS, ADCS, for two
 * products.
 *
 * Packed matrix [rows][columns], rows padded to a multiple of 4, columns to a multiple of 4, with
 * weights 0. For each group of RT_PAIR_ROWS rows (the last may be smaller):
 *   int32 bias [rows of the group]
 *   for each piece of RT_PAIR_COLUMNS columns (the last may be smaller):
 *     for each block of 4 rows:
 *       for each quad of columns c: 4 words of columns c (upper half) and c + 2, one a row; then 4
 *       words of columns c + 1 (upper half) and c + 3.
 * A word is lower + 65536 * upper modulo 2^32, both signed.
 *
 * Behind the matrix, one word for every block in that order, about which quads are wide: a row has
 * |w0| + |w1| + |w2| + |w3| > 255. Bit 31 - q is about the first two rows of quad q, bit 15 - q
 * about the other two. Where it is clear the two products of a row may be added before their upper
 * half is taken. Kernels may leave these words alone.
 */
#ifndef RT_ENGINE_PAIR_DOT_H
#define RT_ENGINE_PAIR_DOT_H

#include <stdint.h>

#define RT_PAIR_ROWS 64    /* of a group: 256 bytes of accumulators */
#define RT_PAIR_COLUMNS 64 /* of a piece */

/* A piece of a matrix and where its sums go: acc[r] = start[r] + piece . x, modulo 2^32, for
 * 4 * blocks rows. */
typedef struct {
  const uint32_t *packed; /* the piece's first word */
  const int32_t *start;   /* [4 * blocks]; may be acc */
  int32_t *acc;           /* [4 * blocks] */
  uint32_t blocks;        /* at least 1 */
} rt_pair_job_t;

/* Several matrices times one vector, which is prepared once. in: jobs [count], count at least 1; x
 * [4 * quads], 4-aligned; quads 1..RT_PAIR_COLUMNS / 4. */
void rt_pair_run(const rt_pair_job_t *jobs, uint32_t count, const int8_t *x, uint32_t quads);

/* The same in portable C, which is what other targets than Cortex-M0+ run. */
void rt_pair_run_portable(const rt_pair_job_t *jobs, uint32_t count, const int8_t *x,
                          uint32_t quads);

/* One job. */
void rt_pair_dot(const uint32_t *packed, const int8_t *x, uint32_t quads, const int32_t *start,
                 int32_t *acc, uint32_t blocks);

/* Words of a packed matrix without what lies behind it. rows * columns < 2^29. */
static inline uint32_t rt_pair_words(uint32_t rows, uint32_t columns) {
  const uint32_t padded = (rows + 3u) & ~3u;
  return padded + padded * ((columns + 3u) & ~3u) / 2u;
}

/* With what lies behind it. */
static inline uint32_t rt_pair_table_words(uint32_t rows, uint32_t columns) {
  const uint32_t pieces = (columns + RT_PAIR_COLUMNS - 1u) / RT_PAIR_COLUMNS;
  return rt_pair_words(rows, columns) + ((rows + 3u) >> 2) * pieces;
}

#endif
