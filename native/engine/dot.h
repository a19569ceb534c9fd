/*
 * The inner loops of convolutions and fully connected layers: one expanded vector times many rows
 * of weights. Alone in a file so that a board can bring its own, in assembler or for another core.
 */
#ifndef RT_ENGINE_DOT_H
#define RT_ENGINE_DOT_H

#include <stdint.h>

/* Prepares x [count] for rt_dot_packed; count a multiple of 4. out: a [count]. Returns what
 * rt_dot_packed is to subtract from every dot product. */
uint32_t rt_dot_expand(const int8_t *x, int32_t count, uint32_t *a);

/* acc[c] += weights[c * stride ...] . x for c in [0, rows), modulo 2^32. in: weights, 4-aligned;
 * stride, from row to row, and count, both multiples of 4; a and correction from rt_dot_expand. */
void rt_dot_packed(const int8_t *weights, int32_t stride, const uint32_t *a, int32_t count,
                   uint32_t correction, int32_t rows, int32_t *acc);

/* The same for rows of any length and alignment, with x itself. */
void rt_dot_plain(const int8_t *weights, int32_t stride, const int8_t *x, int32_t count,
                  int32_t rows, int32_t *acc);

#endif
