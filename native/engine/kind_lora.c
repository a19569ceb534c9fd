/*
 * Adapter kind "lora": the head, and low-rank deltas of chosen pointwise and dense layers (Hu et
 * al. 2021, "LoRA: low-rank adaptation of large language models").
 *   y_c += sum_k B_ck h_k,  h_k = sum_i A_ki x_i
 * A starts as small random numbers, B as zero. lora.c adds the delta in the accumulators of the
 * layer; the backward pass through the frozen layers is in backward.c.
 */
#include "adapter.h"
#include "hot.h"
#include "lora.h"

/* Of a Cortex-M0+; docs/rp2040.md. */
#define CYCLES_HIDDEN 11u /* four h of one input */
#define CYCLES_OUTPUT 21u
#define CYCLES_PIXEL 400u
#define CYCLES_PACKED 15u /* a parameter of A, once a pass */
#define CYCLES_FACTOR 40u /* and of B */
#define CYCLES_MASK_BIT 4u

static uint32_t no_constants(const rt_adapter_plan_t *plan) {
  (void)plan;
  return 0;
}

static uint32_t site_inputs(const rt_model_t *model, const rt_layer_t *layer) {
  const rt_tensor_t *in = &model->tensors[layer->input];
  uint32_t channels = (uint32_t)in->channels;
  if (layer->op != RT_OP_FULLY_CONNECTED) return channels;
  return channels * (uint32_t)in->height * (uint32_t)in->width;
}

static rt_status_t check_site(const rt_adapter_t *adapter, uint32_t i) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const rt_model_t *model = adapter->engine->model;
  const rt_adapter_site_t *site = &plan->sites[i];
  if (site->layer >= plan->head_layer) return RT_ERROR_MODEL_LAYOUT;
  const rt_layer_t *layer = &model->layers[site->layer];
  uint32_t pointwise = layer->op == RT_OP_CONV_2D && layer->kernel_height == 1 &&
                       layer->kernel_width == 1 && layer->stride_height == 1 &&
                       layer->stride_width == 1;
  if (!pointwise && layer->op != RT_OP_FULLY_CONNECTED) return RT_ERROR_MODEL_LAYOUT;
  uint32_t in = site_inputs(model, layer);
  uint32_t out = (uint32_t)model->tensors[layer->output].channels;
  uint32_t group = RT_GROUP_LORA + 2u * i;
  if (!rt_adapter_has_group(plan, group, plan->rank, in) ||
      !rt_adapter_has_group(plan, group + 1u, out, plan->rank) ||
      plan->scratch.bytes < out * sizeof(int32_t) ||
      plan->lora.bytes < rt_lora_bytes(plan->rank, in, out)) {
    return RT_ERROR_MODEL_LAYOUT;
  }
  return RT_OK;
}

static rt_status_t check(const rt_adapter_t *adapter) {
  const rt_adapter_plan_t *plan = adapter->plan;
  if (plan->rank < 1 || plan->rank > RT_ADAPTER_RANK_MAX || plan->site_count == 0 ||
      plan->site_count > plan->group_count ||
      plan->group_count != RT_GROUP_LORA + 2u * plan->site_count) {
    return RT_ERROR_MODEL_LAYOUT;
  }
  for (uint32_t i = 0; i < plan->site_count; i++) {
    rt_status_t status = check_site(adapter, i);
    if (status != RT_OK) return status;
  }
  return RT_OK;
}

static uint32_t find_site(const rt_adapter_plan_t *plan, uint32_t layer) {
  for (uint32_t i = 0; i < plan->site_count; i++) {
    if (plan->sites[i].layer == layer) return i;
  }
  return RT_NONE;
}

static const rt_adapter_mask_t *find_mask(const rt_adapter_plan_t *plan, uint32_t layer) {
  for (uint32_t i = 0; i < plan->mask_count; i++) {
    if (plan->masks[i].layer == layer) return &plan->masks[i];
  }
  return 0;
}

/* At a layer's first row its tables are made: parameters may have changed since. */
static uint32_t wants(rt_adapter_t *adapter, uint32_t layer) {
  uint32_t bits = 0;
  const uint32_t site = adapter->enabled ? find_site(adapter->plan, layer) : RT_NONE;
  if (site != RT_NONE) {
    bits |= RT_HOOK_PIXEL;
    if (adapter->engine->row == 0 || adapter->lora.site != site) rt_lora_prepare(adapter, site);
  }
  if (adapter->training && find_mask(adapter->plan, layer)) bits |= RT_HOOK_ROW;
  return bits;
}

RT_HOT static void pixel(rt_adapter_t *adapter, uint32_t layer, uint32_t pixel, const int8_t *x,
                         int32_t *acc) {
  const uint32_t computed =
      adapter->hooks.side.packed && adapter->engine->model->layers[layer].packed;
  if (!computed) rt_lora_hidden(adapter, x, adapter->lora.hidden);
  rt_lora_pixel(adapter, adapter->lora.hidden, acc);
  (void)pixel;
}

/* ---- masks: where a layer's clamp lets gradients through ---- */

static void mask_elements(const rt_layer_t *l, const int8_t *y, uint8_t *bits, uint32_t from,
                          uint32_t to) {
  const int32_t top = l->activation_max < 127 ? l->activation_max : 128;
  for (uint32_t i = from; i < to; i++) {
    const uint8_t bit = (uint8_t)(1u << (i & 7u));
    if (y[i] > l->activation_min && y[i] < top) {
      bits[i >> 3] |= bit;
    } else {
      bits[i >> 3] &= (uint8_t)~bit;
    }
  }
}

/* Bits of one output row. */
RT_HOT static void row(rt_adapter_t *adapter, uint32_t layer, uint32_t row) {
  const rt_adapter_mask_t *mask = find_mask(adapter->plan, layer);
  const rt_layer_t *l = &adapter->engine->model->layers[layer];
  const rt_tensor_t *tensor = &adapter->engine->model->tensors[l->output];
  const int8_t *y = rt_engine_tensor(adapter->engine, l->output);
  uint8_t *bits = (uint8_t *)adapter->engine->arena + mask->offset_bytes;
  const uint32_t length = (uint32_t)(tensor->width * tensor->channels);
  uint32_t from = row * length;
  const uint32_t to = from + length;
  if (l->activation_min == -128 && l->activation_max == 127 && (from & 7u) == 0) {
    const uint32_t eights = length >> 3;
    if (eights > 0) rt_lora_mask(y + from, bits + (from >> 3), eights);
    from += eights << 3;
  }
  mask_elements(l, y, bits, from, to);
}

static uint32_t site_cycles(const rt_adapter_t *adapter, uint32_t site, const rt_tensor_t *out) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const uint32_t inputs = plan->groups[RT_GROUP_LORA + 2u * site].columns;
  const uint32_t outputs = (uint32_t)out->channels;
  const uint32_t blocks = (plan->rank + 3u) >> 2;
  const uint32_t pixel = blocks * (inputs * CYCLES_HIDDEN + outputs * CYCLES_OUTPUT) + CYCLES_PIXEL;
  const uint32_t tables = plan->rank * (inputs * CYCLES_PACKED + outputs * CYCLES_FACTOR);
  uint32_t rows = 0; /* shared out over the rows, roughly: there is no division */
  for (int32_t h = out->height; h > 1; h >>= 1) rows++;
  return (uint32_t)out->width * pixel + (tables >> rows);
}

static uint32_t row_cycles(const rt_adapter_t *adapter, uint32_t layer) {
  const rt_model_t *model = adapter->engine->model;
  const rt_tensor_t *out = &model->tensors[model->layers[layer].output];
  const uint32_t site = find_site(adapter->plan, layer);
  uint32_t cycles = 0;
  if (adapter->enabled && site != RT_NONE) cycles += site_cycles(adapter, site, out);
  if (adapter->training && find_mask(adapter->plan, layer)) {
    cycles += (uint32_t)(out->width * out->channels) * CYCLES_MASK_BIT;
  }
  return cycles;
}

const rt_adapter_kind_t rt_kind_lora = {
    .method = RT_ADAPTER_LORA,
    .cached = 0,
    .check = check,
    .constant_bytes = no_constants,
    .wants = wants,
    .pixel = pixel,
    .row = row,
    .row_cycles = row_cycles,
    .logits = rt_adapter_head_logits,
    .learn = rt_adapter_head_learn,
};
