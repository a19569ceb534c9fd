/*
 * The forward pass of a low-rank delta: y_c += sum_k B_ck h_k, h_k = sum_i A_ki (x_i - zero), in
 * the accumulators of a layer (kind_lora.c has the whole method).
 *
 * A is packed for pair_dot.h, the zero point in its bias: h is exact. B is multiplied once a pass
 * by what its channels need:
 *   acc_c += (sum_k B'_ck (h_k >> t)) >> (q - t), halves up
 *   B'_ck = B_ck 2^(q - eA - eB) / weight_scale_c, rounded
 * with q such that the largest sum of |B'_ck| of a channel has 15 bits, and t, chosen pixel by
 * pixel, such that |h_k >> t| has 15 bits: products and sums fit in 32 bits, and what is lost is
 * below the accumulator's unit unless the delta is far above 2^15 of them. Both tables are in the
 * arena (rt_adapter_plan_t.lora), those of one site at a time.
 */
#ifndef RT_ENGINE_LORA_H
#define RT_ENGINE_LORA_H

#include "adapter.h"

/* Products that are added up before the shift by q. */
#define RT_LORA_BLOCK 4u

/* Bytes of the tables of a site. */
uint32_t rt_lora_bytes(uint32_t rank, uint32_t inputs, uint32_t outputs);

/* Makes the tables of a site from the present parameters. out: adapter->hooks.side, for layers with
 * packed weights. */
void rt_lora_prepare(rt_adapter_t *adapter, uint32_t site);

/* h_k of one pixel of the prepared site. in: x [inputs]. out: h [rank up to a multiple of 4]. */
void rt_lora_hidden(const rt_adapter_t *adapter, const int8_t *x, int32_t *h);

/* Adds the prepared site's delta to the accumulators of one pixel. in: h from rt_lora_hidden, which
 * is changed. in-out: acc [outputs]. */
void rt_lora_pixel(const rt_adapter_t *adapter, int32_t *h, int32_t *acc);

/* acc_c += (sum of four b_ck h_k) * 2^-shift, halves up, c < count, wrapping. in: b [count][4]; h
 * [4]; the sums fit in 32 bits; shift 1..31; count at least 1. The second is the same in portable
 * C. */
void rt_lora_add(const int32_t *b, const int32_t *h, int32_t *acc, uint32_t count, uint32_t shift);
void rt_lora_add_portable(const int32_t *b, const int32_t *h, int32_t *acc, uint32_t count,
                          uint32_t shift);

/* Which of 8 * count bytes are not -128: one bit each, from the lowest up. in: y, 4-aligned; count
 * at least 1. out: bits [count]. The second is the same in portable C. */
void rt_lora_mask(const int8_t *y, uint8_t *bits, uint32_t count);
void rt_lora_mask_portable(const int8_t *y, uint8_t *bits, uint32_t count);

#endif
