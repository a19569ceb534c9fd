/*
 * Sums over pixels: the inner loop of the gradients of LoRA's matrices.
 */
#ifndef RT_ENGINE_BACKWARD_COLUMNS_H
#define RT_ENGINE_BACKWARD_COLUMNS_H

#include <stdint.h>

/* sums[k] = sum_p (values[p stride] - zero) factors[4 p + k], k < 4, modulo 2^32; pixels at least
 * 1. Values at zero, which a ReLU leaves many of, take half the time. */
void rt_columns(const int8_t *values, uint32_t stride, const int32_t *factors, uint32_t pixels,
                int32_t zero, int32_t *sums);

/* The same in portable C, which is what other targets than Cortex-M0+ run. */
void rt_columns_portable(const int8_t *values, uint32_t stride, const int32_t *factors,
                         uint32_t pixels, int32_t zero, int32_t *sums);

#endif
