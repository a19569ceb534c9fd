/*
 * Matrices packed on the board, for pair_dot.h: the low-rank matrices of adapters, which change.
 */
#ifndef RT_ENGINE_PAIR_ROWS_H
#define RT_ENGINE_PAIR_ROWS_H

#include "pair_dot.h"

/* Packs a row-major int8 matrix [rows][columns] of at most RT_PAIR_ROWS rows, with a bias a row.
 * out: packed [rt_pair_words(rows, columns)]. Returns 0 when a pair of weights is too large for
 * rt_pair_dot (both -128), else 1. */
uint32_t rt_pair_pack(const int8_t *weights, const int32_t *bias, uint32_t rows, uint32_t columns,
                      uint32_t *packed);

/* acc = bias + matrix . x, of a matrix of one group. in: x [columns], of any alignment; rows at
 * most RT_PAIR_ROWS. out: acc [rows up to a multiple of 4]. */
void rt_pair_rows(const uint32_t *packed, uint32_t rows, const int8_t *x, uint32_t columns,
                  int32_t *acc);

#endif
