/*
 * Sums over pixels: the inner loop of the gradients of LoRA's matrices.
 */
#ifndef RT_ENGINE_BACKWARD_COLUMNS_H
#define RT_ENGINE_BACKWARD_COLUMNS_H

#include <stdint.h>

/* sums[k apart] += sum_p values[p stride] * factors[4 p + k], k < 4, modulo 2^32; pixels at least
 * 1. */
void rt_columns_add(const int8_t *values, uint32_t stride, const int32_t *factors, uint32_t pixels,
                    int32_t *sums, uint32_t apart);
void rt_columns_add_portable(const int8_t *values, uint32_t stride, const int32_t *factors,
                             uint32_t pixels, int32_t *sums, uint32_t apart);

#endif
