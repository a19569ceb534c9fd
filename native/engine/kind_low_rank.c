/*
 * Adapter kind "lora" of the head alone: the classifier learns a low-rank delta, real inputs.
 *   z += B (A x) + db
 * All that it needs of a window is the head's input.
 */
#include "adapter_rows.h"
#include "low_rank.h"
#include "train_groups.h"

static const rt_low_rank_t path = {RT_GROUP_LOW_RANK_DOWN, RT_GROUP_LOW_RANK_UP, 0};

static uint32_t no_constants(const rt_adapter_plan_t *plan) {
  (void)plan;
  return 0;
}

static rt_status_t check(const rt_adapter_t *adapter) {
  const rt_adapter_plan_t *plan = adapter->plan;
  if (plan->rank < 1 || plan->rank > RT_ADAPTER_RANK_MAX || plan->group_count != 3 ||
      !rt_adapter_has_group(plan, RT_GROUP_LOW_RANK_DOWN, plan->rank, plan->head_inputs) ||
      !rt_adapter_has_group(plan, RT_GROUP_LOW_RANK_UP, plan->classes, plan->rank)) {
    return RT_ERROR_MODEL_LAYOUT;
  }
  return RT_OK;
}

static void logits(rt_adapter_t *adapter, const int8_t *vector, int32_t *delta_q16) {
  const rt_adapter_plan_t *plan = adapter->plan;
  int32_t sums[RT_ADAPTER_RANK_MAX];
  adapter->pass.squares =
      rt_rows_vector(rt_adapter_q(adapter, path.down), plan->rank, plan->head_inputs, vector,
                     rt_adapter_head_zero(adapter), adapter->pass.block, sums);
  rt_low_rank_hidden(adapter, &path, sums);
  rt_adapter_bias_logits(adapter, delta_q16);
  rt_low_rank_add(adapter, &path, delta_q16);
}

static uint32_t learn(rt_adapter_t *adapter, const int8_t *vector, const int32_t *delta_q15,
                      uint32_t *random) {
  const rt_adapter_plan_t *plan = adapter->plan;
  rt_low_rank_step_t step;
  rt_real_t delta = rt_adapter_delta_squares(adapter, delta_q15);
  rt_groups_announce(adapter, delta);
  rt_low_rank_begin(adapter, &path, adapter->pass.squares, delta_q15, delta, &step);
  if (plan->head_inputs <= RT_ROWS_BLOCK) {
    rt_low_rank_learn_block(adapter, &path, adapter->pass.block, rt_adapter_head_zero(adapter),
                            delta_q15, &step, random);
  } else {
    rt_low_rank_learn(adapter, &path, vector, rt_adapter_head_zero(adapter), delta_q15, &step,
                      random);
  }
  rt_adapter_bias_learn(adapter, delta_q15, random);
  return rt_adapter_sample_cycles(adapter) +
         rt_adapter_product_cycles(plan->rank, plan->head_inputs) +
         rt_adapter_product_cycles(plan->rank, plan->classes);
}

const rt_adapter_kind_t rt_kind_low_rank = {
    .method = RT_ADAPTER_LORA,
    .cached = 1,
    .check = check,
    .constant_bytes = no_constants,
    .logits = logits,
    .learn = learn,
};
