/*
 * A low-rank path from a vector to the logits:
 *   z_c += sum_k U_ck h_k,  h_k = sum_j D_kj v_j
 * v are normalised taps (skip adapters) or the head's input (LoRA of the head itself).
 *   dU_ck = delta_c h_k,  dD_kj = back_k v_j,  back_k = sum_c U_ck delta_c
 */
#ifndef RT_ENGINE_LOW_RANK_H
#define RT_ENGINE_LOW_RANK_H

#include "adapter.h"

typedef struct {
  uint32_t down, up; /* groups D [rank][columns] and U [classes][rank]; both have the unit of v */
  int32_t bits;      /* v has so many fractional bits of that unit */
} rt_low_rank_t;

/* Keeps h in adapter->pass. in: sums [rank], sum_j q_kj v_j; they are changed. */
void rt_low_rank_hidden(rt_adapter_t *adapter, const rt_low_rank_t *path, const int32_t *sums);

/* delta [classes] += U h, Q16. */
void rt_low_rank_add(const rt_adapter_t *adapter, const rt_low_rank_t *path, int32_t *delta_q16);

/* What is learnt from one vector: after its logits, h being what they left. */
typedef struct {
  int32_t back[RT_ADAPTER_RANK_MAX]; /* 15 bits */
  uint32_t largest;                  /* at least that of |back| */
  int32_t exponent;                  /* of back: real = back * 2^-exponent */
} rt_low_rank_step_t;

/* Announces the gradients (rt_groups_announce). in: squares of v, delta = dL/dlogit Q15, its sum of
 * squares. out: step. */
void rt_low_rank_begin(rt_adapter_t *adapter, const rt_low_rank_t *path, uint32_t squares,
                       const int32_t *delta_q15, rt_real_t delta_squares, rt_low_rank_step_t *step);

/* Adds them, v [columns] - zero. */
void rt_low_rank_learn(rt_adapter_t *adapter, const rt_low_rank_t *path, const int8_t *v,
                       int32_t zero, const int32_t *delta_q15, const rt_low_rank_step_t *step,
                       uint32_t *random);

/* The same for a v of at most RT_ADAPTER_BLOCK columns that has been expanded, zero being what was
 * taken off. */
void rt_low_rank_learn_block(rt_adapter_t *adapter, const rt_low_rank_t *path, const int32_t *v,
                             int32_t zero, const int32_t *delta_q15, const rt_low_rank_step_t *step,
                             uint32_t *random);

#endif
