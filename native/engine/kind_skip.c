/*
 * Adapter kind "skip": the head, and a path from the blocks' outputs straight to the logits.
 *   z += U (D n)
 * n are the normalised taps (adapter_normal.h); a tap is the mean over time and frequency of the
 * output of a convolution before the last block, int8 in the layer's own quantisation. Nothing is
 * propagated back through the network, so a window is run through the frozen layers once a view and
 * trained on as a vector.
 */
#include "adapter_normal.h"
#include "low_rank.h"

#define RANK_MAX RT_ADAPTER_RANK_MAX

/* Of a Cortex-M0+; docs/rp2040.md. */
#define CYCLES_TAP_VALUE 9u

static rt_normal_range_t taps(const rt_adapter_t *adapter) {
  rt_normal_range_t range = {adapter->plan->head_inputs, adapter->plan->tap_channels};
  return range;
}

static uint32_t constant_bytes(const rt_adapter_plan_t *plan) { return 2u * plan->tap_channels; }

static rt_status_t check(const rt_adapter_t *adapter) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const rt_model_t *model = adapter->engine->model;
  if (plan->group_count != 4 || plan->rank < 1 || plan->rank > RANK_MAX) {
    return RT_ERROR_MODEL_LAYOUT;
  }
  if (!rt_adapter_has_group(plan, RT_GROUP_SKIP_DOWN, plan->rank, plan->tap_channels) ||
      !rt_adapter_has_group(plan, RT_GROUP_SKIP_UP, plan->classes, plan->rank)) {
    return RT_ERROR_MODEL_LAYOUT;
  }
  uint32_t first = 0;
  for (uint32_t i = 0; i < plan->tap_count; i++) {
    const rt_adapter_tap_t *tap = &plan->taps[i];
    if (tap->layer >= plan->head_layer || tap->first != first) return RT_ERROR_MODEL_LAYOUT;
    first += (uint32_t)model->tensors[model->layers[tap->layer].output].channels;
  }
  return first == plan->tap_channels ? RT_OK : RT_ERROR_MODEL_LAYOUT;
}

static const rt_adapter_tap_t *find_tap(const rt_adapter_plan_t *plan, uint32_t layer) {
  for (uint32_t i = 0; i < plan->tap_count; i++) {
    if (plan->taps[i].layer == layer) return &plan->taps[i];
  }
  return 0;
}

static uint32_t wants(rt_adapter_t *adapter, uint32_t layer) {
  return find_tap(adapter->plan, layer) ? RT_HOOK_ROW : 0;
}

/* Mean of a channel over all pixels, rounded; share = 2^24 / pixels, rounded down. */
static int8_t channel_mean(const int8_t *x, uint32_t pixels, uint32_t channels, uint32_t share) {
  uint32_t sum = 0;
  for (uint32_t p = 0; p < pixels; p++) sum += (uint32_t)(x[p * channels] + 128);
  return (int8_t)((int32_t)((sum * share + (1u << 23)) >> 24) - 128);
}

static void row(rt_adapter_t *adapter, uint32_t layer, uint32_t row) {
  const rt_model_t *model = adapter->engine->model;
  uint32_t index = model->layers[layer].output;
  const rt_tensor_t *tensor = &model->tensors[index];
  if (row != (uint32_t)tensor->height - 1) return;
  const rt_adapter_tap_t *tap = find_tap(adapter->plan, layer);
  const int8_t *x = rt_engine_tensor(adapter->engine, index);
  int8_t *out = adapter->vector + adapter->plan->head_inputs + tap->first;
  uint32_t pixels = (uint32_t)(tensor->height * tensor->width);
  uint32_t share = rt_fixed_divide(1u << 24, pixels);
  for (int32_t c = 0; c < tensor->channels; c++) {
    out[c] = channel_mean(x + c, pixels, (uint32_t)tensor->channels, share);
  }
}

/* The last row averages the whole tensor; here it is spread over all. */
static uint32_t row_cycles(const rt_adapter_t *adapter, uint32_t layer) {
  const rt_model_t *model = adapter->engine->model;
  if (!find_tap(adapter->plan, layer)) return 0;
  const rt_tensor_t *tensor = &model->tensors[model->layers[layer].output];
  return (uint32_t)(tensor->width * tensor->channels) * CYCLES_TAP_VALUE;
}

static const rt_low_rank_t path = {RT_GROUP_SKIP_DOWN, RT_GROUP_SKIP_UP, RT_NORMAL_BITS};

static void logits(rt_adapter_t *adapter, const int8_t *vector, int32_t *delta_q16) {
  int32_t sums[RANK_MAX];
  rt_normal_range_t range = taps(adapter);
  rt_adapter_head_logits(adapter, vector, delta_q16);
  adapter->pass.normal_squares =
      rt_normal_rows(adapter, &range, vector, rt_adapter_q(adapter, RT_GROUP_SKIP_DOWN),
                     adapter->plan->rank, sums);
  rt_low_rank_hidden(adapter, &path, sums);
  rt_low_rank_add(adapter, &path, delta_q16);
}

static uint32_t learn(rt_adapter_t *adapter, const int8_t *vector, const int32_t *delta_q15,
                      uint32_t *random) {
  const rt_adapter_plan_t *plan = adapter->plan;
  rt_normal_range_t range = taps(adapter);
  rt_low_rank_step_t step;
  rt_low_rank_begin(adapter, &path, adapter->pass.normal_squares, delta_q15,
                    rt_adapter_delta_squares(adapter, delta_q15), &step);
  uint32_t cycles = rt_adapter_head_learn(adapter, vector, delta_q15, random);
  rt_low_rank_learn(adapter, &path, rt_normal_vector(adapter, &range, vector), 0, delta_q15, &step,
                    random);
  return cycles + rt_adapter_product_cycles(plan->rank, plan->tap_channels) +
         rt_adapter_product_cycles(plan->rank, plan->classes) +
         plan->tap_channels * RT_NORMAL_CYCLES;
}

static rt_status_t calibrate(rt_adapter_t *adapter, const int8_t *vectors, uint32_t count,
                             uint32_t *next, uint32_t *cycles) {
  rt_normal_range_t range = taps(adapter);
  return rt_normal_calibrate(adapter, &range, vectors, count, next, cycles);
}

const rt_adapter_kind_t rt_kind_skip = {
    .method = RT_ADAPTER_SKIP,
    .cached = 1,
    .check = check,
    .constant_bytes = constant_bytes,
    .wants = wants,
    .row = row,
    .row_cycles = row_cycles,
    .logits = logits,
    .calibrate = calibrate,
    .learn = learn,
};
