/*
 * Rows of an adapter's matrices times a vector. The weights change with every sample, lie at any
 * address and are few, so that packing them as the compiler packs frozen ones (pair_dot.h) would
 * not pay.
 */
#ifndef RT_ENGINE_ADAPTER_ROWS_H
#define RT_ENGINE_ADAPTER_ROWS_H

#include "adapter.h"

/* Columns that are expanded at a time: 256 bytes of stack. */
#define RT_ROWS_BLOCK RT_ADAPTER_BLOCK

/* sums[r] += sum_i w[r * stride + i * step] x[i], i < count, modulo 2^32. A matrix of n columns has
 * stride n and step 1, transposed stride 1 and step n. */
void rt_rows_add(const int8_t *w, uint32_t rows, uint32_t stride, uint32_t step, const int32_t *x,
                 uint32_t count, int32_t *sums);

/* The same for four rows, and its portable C, which is what other targets than Cortex-M0+ run. */
void rt_rows_add4(const int8_t *w, uint32_t stride, uint32_t step, const int32_t *x, uint32_t count,
                  int32_t *sums);
void rt_rows_add4_portable(const int8_t *w, uint32_t stride, uint32_t step, const int32_t *x,
                           uint32_t count, int32_t *sums);

/* out[i] = x[i] - zero, i < count. Returns the sum of their squares, modulo 2^32. The portable C is
 * what other targets than Cortex-M0+ run. */
uint32_t rt_rows_expand(const int8_t *x, int32_t zero, uint32_t count, int32_t *out);
uint32_t rt_rows_expand_portable(const int8_t *x, int32_t zero, uint32_t count, int32_t *out);

/* sums[r] = sum_i w[r * columns + i] (x[i] - zero), i < columns. out: sums [rows]; block, the last
 * RT_ROWS_BLOCK of x[i] - zero or fewer. Returns the sum of their squares, modulo 2^32. */
uint32_t rt_rows_vector(const int8_t *w, uint32_t rows, uint32_t columns, const int8_t *x,
                        int32_t zero, int32_t block[RT_ROWS_BLOCK], int32_t *sums);

#endif
