/*
 * Normalised vectors: what head and skip adapters learn from.
 *   n_j = (v_j - mean_j) * factor_j, int8 in Q4
 * Mean and factor of a channel are learnt from the windows of the first burst and saved with the
 * adapter (its constants: all means as int8, then all factors as uint8). factor = 128 / standard
 * deviation in steps of v, 1..255. Without this, channels of large activations would learn fast and
 * those of small ones not at all.
 */
#ifndef RT_ENGINE_ADAPTER_NORMAL_H
#define RT_ENGINE_ADAPTER_NORMAL_H

#include "adapter.h"

#define RT_NORMAL_BITS 4

#define RT_NORMAL_CYCLES 50u /* of a Cortex-M0+, a value a sample; docs/rp2040.md */

/* The channels of the vector that are normalised: those of the constants, in order. */
typedef struct {
  uint32_t first; /* in the vector */
  uint32_t count;
} rt_normal_range_t;

/* sums[r] = sum_j w[r * count + j] n_j. out: sums [rows]. Returns the sum of the squares of n. */
uint32_t rt_normal_rows(const rt_adapter_t *adapter, const rt_normal_range_t *range,
                        const int8_t *vector, const int8_t *w, uint32_t rows, int32_t *sums);

/* Writes n over the range of the adapter's live vector and returns it. Training works from the
 * cache, so the live vector is free for that. */
const int8_t *rt_normal_vector(rt_adapter_t *adapter, const rt_normal_range_t *range,
                               const int8_t *vector);

/* Learns means and factors from cache entries, count 1..65535, unless they are known already; some
 * channels a call, as in rt_adapter_kind_t. */
rt_status_t rt_normal_calibrate(rt_adapter_t *adapter, const rt_normal_range_t *range,
                                const int8_t *vectors, uint32_t count, uint32_t *next,
                                uint32_t *cycles);

#endif
