/*
 * Adapter kind "head": a delta of the classifier's weights and biases.
 *   z_c += sum_i dW_ci x_i + db_c
 */
#include "adapter.h"

static uint32_t no_constants(const rt_adapter_plan_t *plan) {
  (void)plan;
  return 0;
}

static rt_status_t check(const rt_adapter_t *adapter) {
  return adapter->plan->group_count == 2 ? RT_OK : RT_ERROR_MODEL_LAYOUT;
}

const rt_adapter_kind_t rt_kind_head = {
    .method = RT_ADAPTER_HEAD,
    .cached = 1,
    .check = check,
    .constant_bytes = no_constants,
    .logits = rt_adapter_head_logits,
    .learn = rt_adapter_head_learn,
};
