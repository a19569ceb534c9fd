/*
 * Adapter kind "head": a delta of the classifier, in normalised inputs (adapter_normal.h).
 *   z_c += sum_i dW_ci n_i + db_c
 */
#include "adapter_normal.h"
#include "train_groups.h"

static rt_normal_range_t inputs(const rt_adapter_t *adapter) {
  rt_normal_range_t range = {0, adapter->plan->head_inputs};
  return range;
}

static uint32_t constant_bytes(const rt_adapter_plan_t *plan) { return 2u * plan->head_inputs; }

static rt_status_t check(const rt_adapter_t *adapter) {
  return adapter->plan->group_count == 2 ? RT_OK : RT_ERROR_MODEL_LAYOUT;
}

static void logits(rt_adapter_t *adapter, const int8_t *vector, int32_t *delta_q16) {
  rt_normal_range_t range = inputs(adapter);
  adapter->pass.squares =
      rt_normal_rows(adapter, &range, vector, rt_adapter_q(adapter, RT_GROUP_HEAD_WEIGHTS),
                     adapter->plan->classes, delta_q16);
  rt_adapter_scale_logits(adapter, rt_real_from_uint(1, -RT_NORMAL_BITS), delta_q16);
}

static uint32_t learn(rt_adapter_t *adapter, const int8_t *vector, const int32_t *delta_q15,
                      uint32_t *random) {
  const rt_adapter_plan_t *plan = adapter->plan;
  rt_normal_range_t range = inputs(adapter);
  const int8_t *n = rt_normal_vector(adapter, &range, vector);
  rt_adapter_head_announce(adapter, rt_adapter_delta_squares(adapter, delta_q15),
                           rt_real_from_uint(1, -RT_NORMAL_BITS));
  rt_groups_add_vector(adapter, RT_GROUP_HEAD_WEIGHTS, delta_q15, 15 + RT_NORMAL_BITS, n, 0,
                       random);
  rt_adapter_bias_learn(adapter, delta_q15, random);
  return rt_adapter_sample_cycles(adapter) +
         rt_adapter_product_cycles(plan->classes, plan->head_inputs) +
         plan->head_inputs * RT_NORMAL_CYCLES;
}

static rt_status_t calibrate(rt_adapter_t *adapter, const int8_t *vectors, uint32_t count,
                             uint32_t *next, uint32_t *cycles) {
  rt_normal_range_t range = inputs(adapter);
  return rt_normal_calibrate(adapter, &range, vectors, count, next, cycles);
}

const rt_adapter_kind_t rt_kind_head = {
    .method = RT_ADAPTER_HEAD,
    .cached = 1,
    .check = check,
    .constant_bytes = constant_bytes,
    .logits = logits,
    .calibrate = calibrate,
    .learn = learn,
};
