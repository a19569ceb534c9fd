/* The classifier and its delta: shared by all kinds. */
#include "adapter_rows.h"
#include "hot.h"
#include "train_groups.h"

/* Each part of a logit stays within +-2^29 (8,192 in real terms), so that sums cannot wrap. */
#define LOGIT_LIMIT ((1 << 29) - 1)

/* Of a Cortex-M0+; docs/rp2040.md. A weight is multiplied once and changed once. */
#define CYCLES_WEIGHT 22u
#define CYCLES_ROW 140u  /* of at most 64 columns */
#define CYCLES_INPUT 28u /* expanded twice */
#define CYCLES_CLASS 350u
#define CYCLES_SAMPLE 5500u

/* ---- logits ---- */

/* base + delta and the accumulators that give the same: the int8 output follows the adapter. */
static void add_delta(rt_adapter_t *adapter, int32_t *acc) {
  const rt_adapter_plan_t *plan = adapter->plan;
  int32_t *delta = adapter->logits;
  if (adapter->enabled) {
    adapter->kind->logits(adapter, adapter->vector, delta);
  } else {
    for (uint32_t c = 0; c < plan->classes; c++) delta[c] = 0;
  }
  for (uint32_t c = 0; c < plan->classes; c++) {
    int32_t part = rt_fixed_clamp(delta[c], LOGIT_LIMIT);
    acc[c] += rt_real_apply(rt_real_shift(plan->inverse_logit_scale[c], -16), part);
    adapter->logits[c] = adapter->base_logits[c] + part;
  }
}

void rt_adapter_head_pixel(rt_adapter_t *adapter, const int8_t *x, int32_t *acc) {
  const rt_adapter_plan_t *plan = adapter->plan;
  __builtin_memcpy(adapter->vector, x, plan->head_inputs);
  for (uint32_t c = 0; c < plan->classes; c++) {
    int32_t logit = rt_real_apply(rt_real_shift(plan->logit_scale[c], 16), acc[c]);
    adapter->base_logits[c] = rt_fixed_clamp(logit, LOGIT_LIMIT);
  }
  add_delta(adapter, acc);
}

void rt_adapter_vector_logits(rt_adapter_t *adapter, const int8_t *vector,
                              const int32_t *base_logits, int32_t *logits) {
  adapter->kind->logits(adapter, vector, logits);
  for (const int32_t *const end = logits + adapter->plan->classes; logits < end; logits++) {
    *logits = rt_fixed_clamp(*logits, LOGIT_LIMIT) + *base_logits++;
  }
}

void rt_adapter_bias_logits(const rt_adapter_t *adapter, int32_t *delta_q16) {
  const int8_t *b = rt_adapter_q(adapter, RT_GROUP_HEAD_BIAS);
  int32_t left = 16 - adapter->exponents[RT_GROUP_HEAD_BIAS];
  if (left > 21) left = 21; /* times 128: 2^28 */
  const int32_t *const end = delta_q16 + adapter->plan->classes;
  if (left >= 0) {
    while (delta_q16 < end) *delta_q16++ = *b++ * (1 << left);
  } else {
    while (delta_q16 < end) *delta_q16++ = *b++ >> -left;
  }
}

RT_HOT void rt_adapter_scale_logits(const rt_adapter_t *adapter, rt_real_t unit,
                                    int32_t *delta_q16) {
  const int8_t *b = rt_adapter_q(adapter, RT_GROUP_HEAD_BIAS);
  int32_t left = 16 - adapter->exponents[RT_GROUP_HEAD_BIAS];
  if (left > 21) left = 21;
  rt_scale_t scale =
      rt_real_to_scale(rt_real_shift(unit, 16 - adapter->exponents[RT_GROUP_HEAD_WEIGHTS]));
  for (uint32_t c = 0; c < adapter->plan->classes; c++) {
    delta_q16[c] = rt_fixed_scale_quick(delta_q16[c], scale, LOGIT_LIMIT / 2) +
                   (left >= 0 ? b[c] * (1 << left) : b[c] >> -left);
  }
}

void rt_adapter_head_logits(rt_adapter_t *adapter, const int8_t *vector, int32_t *delta_q16) {
  const rt_adapter_plan_t *plan = adapter->plan;
  int32_t block[RT_ROWS_BLOCK];
  adapter->pass.squares =
      rt_rows_vector(rt_adapter_q(adapter, RT_GROUP_HEAD_WEIGHTS), plan->classes, plan->head_inputs,
                     vector, rt_adapter_head_zero(adapter), block, delta_q16);
  rt_adapter_scale_logits(adapter, plan->head_scale, delta_q16);
}

/* ---- learning ---- */

rt_real_t rt_adapter_delta_squares(rt_adapter_t *adapter, const int32_t *delta_q15) {
  uint32_t sum = 0; /* between two distributions: at most 2, Q30 */
  uint32_t most = 0;
  for (const int32_t *const end = delta_q15 + adapter->plan->classes; delta_q15 < end;
       delta_q15++) {
    const uint32_t magnitude = (uint32_t)rt_fixed_abs(*delta_q15);
    if (magnitude > most) most = magnitude;
    sum += magnitude * magnitude;
  }
  adapter->pass.delta_largest = most;
  return rt_real_from_uint(sum, -30);
}

void rt_adapter_head_announce(rt_adapter_t *adapter, rt_real_t delta_squares, rt_real_t unit) {
  rt_real_t input =
      rt_real_rough(rt_real_rough(unit, unit), rt_real_from_uint(adapter->pass.squares, 0));
  input = rt_real_add(input, rt_real_from_uint(1, 0)); /* the bias */
  rt_groups_announce(adapter, rt_real_rough(delta_squares, input));
}

void rt_adapter_bias_learn(rt_adapter_t *adapter, const int32_t *delta_q15, uint32_t *random) {
  rt_groups_add_announced(adapter, RT_GROUP_HEAD_BIAS, 0, 1, delta_q15, adapter->plan->classes,
                          adapter->pass.delta_largest, 15, random);
}

uint32_t rt_adapter_head_learn(rt_adapter_t *adapter, const int8_t *vector,
                               const int32_t *delta_q15, uint32_t *random) {
  const rt_adapter_plan_t *plan = adapter->plan;
  rt_real_t delta = rt_adapter_delta_squares(adapter, delta_q15);
  rt_adapter_head_announce(adapter, delta, plan->head_scale);
  rt_groups_add_vector(adapter, RT_GROUP_HEAD_WEIGHTS, delta_q15, 15, vector,
                       rt_adapter_head_zero(adapter), random);
  rt_adapter_bias_learn(adapter, delta_q15, random);
  return rt_adapter_sample_cycles(adapter) +
         rt_adapter_product_cycles(plan->classes, plan->head_inputs);
}

uint32_t rt_adapter_sample_cycles(const rt_adapter_t *adapter) {
  return CYCLES_SAMPLE + adapter->plan->classes * CYCLES_CLASS;
}

uint32_t rt_adapter_product_cycles(uint32_t rows, uint32_t columns) {
  return rows * (columns * CYCLES_WEIGHT + ((columns + 63u) >> 6) * CYCLES_ROW) +
         columns * CYCLES_INPUT;
}
