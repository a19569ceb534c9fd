/*
 * Sums of scaled rows, two products a multiply: how a pixel's gradient goes back through a matrix.
 *
 * A row holds two weights a word, word = w[2j] + 65536 * w[2j + 1] modulo 2^32. A sum of
 * factor * word has the sum of factor * w[2j] in its lower half and, less that one's borrow, the
 * sum of factor * w[2j + 1] in its upper half: exact as long as both sums fit in 16 bits, which
 * the caller sees to: sum |factor| * max |w| <= 32767 over the terms of a call. Only terms that
 * are not 0 are listed, so that what a ReLU has stopped costs nothing.
 */
#ifndef RT_ENGINE_BACKWARD_AXPY_H
#define RT_ENGINE_BACKWARD_AXPY_H

#include <stdint.h>

#define RT_AXPY_LIMIT 32767
#define RT_AXPY_BLOCK 8u /* columns; rows are padded with 0 to a multiple */

#if UINTPTR_MAX == UINT32_MAX
typedef const uint32_t *rt_axpy_row_t;

static inline rt_axpy_row_t rt_axpy_row(const uint32_t *row) { return row; }
static inline const uint32_t *rt_axpy_words(rt_axpy_row_t row) { return row; }
#else
/* On hosts with wider addresses, which run tests, a term has to be as wide as on a board, since the
 * plan gives room for that: it holds a place in a list of the rows last named. */
#define RT_AXPY_ROWS 65536u /* more than the terms of a call */
typedef uint32_t rt_axpy_row_t;
extern const uint32_t *rt_axpy_rows[RT_AXPY_ROWS];
extern uint32_t rt_axpy_named;

static inline rt_axpy_row_t rt_axpy_row(const uint32_t *row) {
  const uint32_t place = rt_axpy_named++ % RT_AXPY_ROWS;
  rt_axpy_rows[place] = row;
  return place;
}
static inline const uint32_t *rt_axpy_words(rt_axpy_row_t row) { return rt_axpy_rows[row]; }
#endif

typedef struct {
  int32_t factor;
  rt_axpy_row_t row; /* rt_axpy_row of its words [4 * blocks] */
} rt_axpy_term_t;

/* sums[i] = (add ? sums[i] : 0) + sum_t factor_t * row_t,i for 8 * blocks columns, to which each
 * word adds the two halves of start; count and blocks at least 1. */
void rt_axpy(const rt_axpy_term_t *terms, uint32_t count, uint32_t blocks, int32_t *sums,
             uint32_t add, uint32_t start);

/* The same in portable C, which is what other targets than Cortex-M0+ run. */
void rt_axpy_portable(const rt_axpy_term_t *terms, uint32_t count, uint32_t blocks, int32_t *sums,
                      uint32_t add, uint32_t start);

/* Terms of a vector: in-out state of rt_axpy_list. */
typedef struct {
  const int8_t *g;     /* next element, 4-aligned */
  const int8_t *end;   /* a multiple of 4 elements */
  const uint32_t *row; /* of element g */
  uint32_t step_bytes; /* from row to row */
  rt_axpy_term_t *term;
  int32_t room; /* what the magnitudes of the factors may still add up to */
} rt_axpy_list_t;

/* Lists the elements that are not 0, four by four, as long as there is room: up to the end or
 * before the first four that do not fit. */
void rt_axpy_list(rt_axpy_list_t *list);
void rt_axpy_list_portable(rt_axpy_list_t *list);

#endif
