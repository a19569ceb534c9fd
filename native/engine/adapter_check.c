#include "adapter_check.h"

#include "backward_parts.h"
#include "train_cache.h"

#define WINDOWS_MAX 4096u
#define GROUPS_MAX 256u
#define PARAMETERS_MAX (1u << 20)

/* 1 when a buffer of at least `bytes` lies in the arena. */
static uint32_t buffer_fits(const rt_adapter_t *adapter, const rt_adapter_buffer_t *buffer,
                            uint32_t bytes) {
  uint32_t arena = adapter->engine->model->arena_bytes;
  return buffer->offset_bytes % 4u == 0 && buffer->offset_bytes <= arena &&
         buffer->bytes <= arena - buffer->offset_bytes && buffer->bytes >= bytes;
}

static uint32_t is_real(rt_real_t value) {
  return value.mantissa >= 0x40000000 && value.exponent > -64 && value.exponent < 64;
}

uint32_t rt_adapter_has_group(const rt_adapter_plan_t *plan, uint32_t group, uint32_t rows,
                              uint32_t columns) {
  if (group >= plan->group_count) return 0;
  return plan->groups[group].rows == rows && plan->groups[group].columns == columns;
}

static uint32_t tensor_values(const rt_tensor_t *tensor) {
  return (uint32_t)tensor->height * (uint32_t)tensor->width * (uint32_t)tensor->channels;
}

static rt_status_t check_head(const rt_adapter_t *adapter) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const rt_model_t *model = adapter->engine->model;
  if (plan->head_layer >= model->layer_count) return RT_ERROR_MODEL_LAYOUT;
  const rt_layer_t *head = &model->layers[plan->head_layer];
  if (head->op != RT_OP_FULLY_CONNECTED ||
      tensor_values(&model->tensors[head->input]) != plan->head_inputs ||
      tensor_values(&model->tensors[head->output]) != plan->classes || plan->classes < 2 ||
      plan->classes > RT_ADAPTER_CLASSES_MAX || plan->head_inputs > 32768u) {
    return RT_ERROR_MODEL_LAYOUT;
  }
  for (uint32_t c = 0; c < plan->classes; c++) {
    if (!is_real(plan->logit_scale[c]) || !is_real(plan->inverse_logit_scale[c])) {
      return RT_ERROR_MODEL_LAYOUT;
    }
  }
  return is_real(plan->head_scale) ? RT_OK : RT_ERROR_MODEL_LAYOUT;
}

static rt_status_t check_groups(const rt_adapter_plan_t *plan) {
  uint32_t first = 0;
  if (plan->group_count < 2 || plan->group_count > GROUPS_MAX) return RT_ERROR_MODEL_LAYOUT;
  for (uint32_t g = 0; g < plan->group_count; g++) {
    const rt_adapter_group_t *group = &plan->groups[g];
    if (group->first != first || group->rows == 0 || group->columns == 0 || group->rows > 32768u ||
        group->columns > 32768u || group->exponent < -16 || group->exponent > 24 ||
        group->spread_q8 < 0 || group->spread_q8 > 32767 || !is_real(group->unit)) {
      return RT_ERROR_MODEL_LAYOUT;
    }
    first += group->rows * group->columns;
    if (first > PARAMETERS_MAX) return RT_ERROR_MODEL_LAYOUT;
  }
  uint32_t low_rank = plan->method == RT_ADAPTER_LORA && plan->site_count == 0;
  uint32_t rows = low_rank ? plan->rank : plan->classes;
  if (first != plan->parameter_count ||
      !rt_adapter_has_group(plan, RT_GROUP_HEAD_WEIGHTS, rows, plan->head_inputs) ||
      !rt_adapter_has_group(plan, RT_GROUP_HEAD_BIAS, 1, plan->classes)) {
    return RT_ERROR_MODEL_LAYOUT;
  }
  return RT_OK;
}

static rt_status_t check_buffers(const rt_adapter_t *adapter) {
  const rt_adapter_plan_t *plan = adapter->plan;
  uint32_t parameters = plan->parameter_count;
  uint32_t fused = plan->gradient.bytes == 0 && plan->momentum.bytes == 0;
  uint32_t optimiser = fused ? 0 : 2u * parameters;
  uint32_t payload = plan->group_count + parameters + adapter->kind->constant_bytes(plan);
  uint32_t vector = plan->head_inputs + plan->tap_channels;
  if (plan->windows == 0 || plan->windows > WINDOWS_MAX || plan->vector.bytes != vector ||
      plan->payload.bytes != payload || plan->snapshot.bytes != payload) {
    return RT_ERROR_MODEL_LAYOUT;
  }
  if (plan->place_count == 0 || plan->place_count > RT_ADAPTER_PLACES_MAX) {
    return RT_ERROR_MODEL_LAYOUT;
  }
  const uint32_t places = (plan->place_count - 1u) * rt_adapter_place_bytes(plan);
  uint32_t fits =
      buffer_fits(adapter, &plan->payload, payload) &&
      buffer_fits(adapter, &plan->places, places) &&
      buffer_fits(adapter, &plan->snapshot, payload) &&
      buffer_fits(adapter, &plan->vector, vector) &&
      buffer_fits(adapter, &plan->logits, 8u * plan->classes) &&
      buffer_fits(adapter, &plan->scratch, 4u * plan->classes) &&
      buffer_fits(adapter, &plan->state,
                  plan->group_count * (uint32_t)sizeof(rt_group_state_t) + 4u * plan->step_count) &&
      buffer_fits(adapter, &plan->residual, parameters) &&
      buffer_fits(adapter, &plan->momentum, optimiser) &&
      buffer_fits(adapter, &plan->gradient, optimiser) &&
      buffer_fits(adapter, &plan->order, 4u * plan->windows) &&
      buffer_fits(adapter, &plan->cache, 0) && buffer_fits(adapter, &plan->lora, 0);
  return fits ? RT_OK : RT_ERROR_MODEL_LAYOUT;
}

/* Entries within the buffer; what a burst goes on from is the last step's input. */
static rt_status_t check_cache(const rt_adapter_t *adapter) {
  const rt_adapter_plan_t *plan = adapter->plan;
  if (plan->cache_windows > plan->windows) return RT_ERROR_MODEL_LAYOUT;
  if (adapter->kind->cached) {
    if (plan->cache_windows != plan->windows) return RT_ERROR_MODEL_LAYOUT;
  } else if (plan->step_count == 0 ||
             plan->steps[plan->step_count - 1].layer != plan->resume_layer) {
    return RT_ERROR_MODEL_LAYOUT;
  }
  uint32_t entry = rt_train_cache_entry_bytes(adapter);
  uint32_t fits = entry == 0 || rt_fixed_divide(plan->cache.bytes, entry) >= plan->cache_windows;
  return fits ? RT_OK : RT_ERROR_MODEL_LAYOUT;
}

static uint32_t apart(const rt_adapter_buffer_t *a, const rt_adapter_buffer_t *b) {
  return a->bytes == 0 || b->bytes == 0 || a->offset_bytes + a->bytes <= b->offset_bytes ||
         b->offset_bytes + b->bytes <= a->offset_bytes;
}

#define LIVE_BUFFERS 12u

static const rt_adapter_buffer_t *live_buffer(const rt_adapter_plan_t *p, uint32_t i) {
  const rt_adapter_buffer_t *const live[LIVE_BUFFERS] = {
      &p->payload,  &p->vector,   &p->logits,   &p->scratch, &p->snapshot, &p->state,
      &p->residual, &p->momentum, &p->gradient, &p->order,   &p->cache,    &p->places};
  return live[i];
}

/* What is always live shares its memory with nothing: some of it is used as indices. */
static uint32_t clear_of_live(const rt_adapter_plan_t *plan, const rt_adapter_buffer_t *buffer) {
  for (uint32_t i = 0; i < LIVE_BUFFERS; i++) {
    if (!apart(live_buffer(plan, i), buffer)) return 0;
  }
  return 1;
}

static rt_status_t check_overlaps(const rt_adapter_t *adapter) {
  const rt_adapter_plan_t *p = adapter->plan;
  const rt_model_t *model = adapter->engine->model;
  for (uint32_t i = 0; i < LIVE_BUFFERS; i++) {
    for (uint32_t k = 0; k < i; k++) {
      if (!apart(live_buffer(p, i), live_buffer(p, k))) return RT_ERROR_MODEL_LAYOUT;
    }
  }
  for (uint32_t t = 0; t < model->tensor_count; t++) {
    const rt_adapter_buffer_t tensor = {model->tensors[t].offset_bytes,
                                        tensor_values(&model->tensors[t])};
    if (!clear_of_live(p, &tensor)) return RT_ERROR_MODEL_LAYOUT;
  }
  return clear_of_live(p, &p->signal) && clear_of_live(p, &p->pooled) &&
                 clear_of_live(p, &p->work) && clear_of_live(p, &p->lora)
             ? RT_OK
             : RT_ERROR_MODEL_LAYOUT;
}

/* ---- the backward pass ---- */

static rt_status_t check_masks(const rt_adapter_t *adapter) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const rt_model_t *model = adapter->engine->model;
  for (uint32_t i = 0; i < plan->mask_count; i++) {
    const rt_adapter_mask_t *mask = &plan->masks[i];
    if (mask->layer >= plan->head_layer) return RT_ERROR_MODEL_LAYOUT;
    uint32_t values = tensor_values(&model->tensors[model->layers[mask->layer].output]);
    rt_adapter_buffer_t buffer = {mask->offset_bytes, (values + 7u) / 8u};
    if (!buffer_fits(adapter, &buffer, 0) || !clear_of_live(plan, &buffer)) {
      return RT_ERROR_MODEL_LAYOUT;
    }
  }
  return RT_OK;
}

static uint32_t is_pointwise(const rt_layer_t *layer) {
  return layer->op == RT_OP_CONV_2D && layer->kernel_height == 1 && layer->kernel_width == 1 &&
         layer->stride_height == 1 && layer->stride_width == 1;
}

static uint32_t mask_is(const rt_adapter_plan_t *plan, uint32_t mask, uint32_t layer) {
  return mask < plan->mask_count && plan->masks[mask].layer == layer;
}

/* A step in the middle: it writes the signal of its input. */
static rt_status_t check_propagation(const rt_adapter_t *adapter, const rt_adapter_step_t *step) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const rt_model_t *model = adapter->engine->model;
  const rt_layer_t *layer = &model->layers[step->layer];
  uint32_t inputs = tensor_values(&model->tensors[layer->input]);
  if (step->producer >= plan->head_layer || step->weights == 0 || step->exponent < -32 ||
      step->exponent > 32 || step->weight_max == 0 || step->weight_max > 63u ||
      step->gain_bits > 24u || !buffer_fits(adapter, &plan->signal, (inputs + 3u) & ~3u)) {
    return RT_ERROR_MODEL_LAYOUT;
  }
  if (step->input_mask != RT_NONE && !mask_is(plan, step->input_mask, step->producer)) {
    return RT_ERROR_MODEL_LAYOUT;
  }
  return tensor_values(&model->tensors[model->layers[step->producer].output]) == inputs
             ? RT_OK
             : RT_ERROR_MODEL_LAYOUT;
}

static rt_status_t check_step(const rt_adapter_t *adapter, uint32_t i) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const rt_model_t *model = adapter->engine->model;
  const rt_adapter_step_t *step = &plan->steps[i];
  if (step->layer >= plan->head_layer) return RT_ERROR_MODEL_LAYOUT;
  const rt_layer_t *layer = &model->layers[step->layer];
  const rt_tensor_t *output = &model->tensors[layer->output];
  const rt_tensor_t *input = &model->tensors[layer->input];
  uint32_t in = (uint32_t)input->channels, out = (uint32_t)output->channels;
  if (layer->op == RT_OP_FULLY_CONNECTED) in = tensor_values(input);
  uint32_t dense = layer->op == RT_OP_FULLY_CONNECTED || is_pointwise(layer);
  if (layer->op == RT_OP_AVERAGE_POOL_2D) {
    return i == 0 && output->height == 1 && output->width == 1 && layer->pad_top == 0 &&
                   layer->pad_left == 0 && layer->kernel_height == input->height &&
                   layer->kernel_width == input->width && plan->step_count > 1 &&
                   buffer_fits(adapter, &plan->pooled, out)
               ? RT_OK
               : RT_ERROR_MODEL_LAYOUT;
  }
  if (!dense && layer->op != RT_OP_DEPTHWISE_CONV_2D) return RT_ERROR_MODEL_LAYOUT;
  uint32_t rank = step->site == RT_NONE ? 0 : plan->rank;
  uint32_t work = dense ? rt_backward_dense_bytes(in, out, rank)
                        : rt_backward_depthwise_bytes(layer, input, output);
  if (!buffer_fits(adapter, &plan->work, work)) return RT_ERROR_MODEL_LAYOUT;
  if (step->site != RT_NONE &&
      (!dense || step->site >= plan->site_count || plan->sites[step->site].layer != step->layer)) {
    return RT_ERROR_MODEL_LAYOUT;
  }
  return i + 1 < plan->step_count ? check_propagation(adapter, step) : RT_OK;
}

/* The chain from the head to the last site, each step's producer being the next step's layer. */
static rt_status_t check_steps(const rt_adapter_t *adapter) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const rt_model_t *model = adapter->engine->model;
  if (plan->steps[0].layer >= plan->head_layer) return RT_ERROR_MODEL_LAYOUT;
  uint32_t pooled = model->layers[plan->steps[0].layer].op == RT_OP_AVERAGE_POOL_2D;
  if (tensor_values(&model->tensors[model->layers[plan->steps[0].layer].output]) !=
          plan->head_inputs ||
      !buffer_fits(adapter, &plan->work, 4u * plan->head_inputs) ||
      (!pooled && !buffer_fits(adapter, &plan->signal, (plan->head_inputs + 3u) & ~3u))) {
    return RT_ERROR_MODEL_LAYOUT;
  }
  for (uint32_t i = 0; i < plan->step_count; i++) {
    if (check_step(adapter, i) != RT_OK) return RT_ERROR_MODEL_LAYOUT;
    if (i > 0 && plan->steps[i - 1].producer != plan->steps[i].layer) return RT_ERROR_MODEL_LAYOUT;
    if (i == 1 && pooled && !mask_is(plan, plan->steps[1].output_mask, plan->steps[1].layer)) {
      return RT_ERROR_MODEL_LAYOUT;
    }
  }
  return plan->steps[plan->step_count - 1].site == RT_NONE ? RT_ERROR_MODEL_LAYOUT : RT_OK;
}

rt_status_t rt_adapter_check(const rt_adapter_t *adapter) {
#ifdef RT_WITHOUT_LORA
  if (adapter->plan->method == RT_ADAPTER_LORA) return RT_ERROR_MODEL_OP;
#endif
  rt_status_t status = check_head(adapter);
  if (status == RT_OK) status = check_groups(adapter->plan);
  if (status == RT_OK) status = check_buffers(adapter);
  if (status == RT_OK) status = check_overlaps(adapter);
  if (status == RT_OK) status = adapter->kind->check(adapter);
  if (status != RT_OK) return status;
  if (adapter->kind->cached) return check_cache(adapter);
  if (adapter->plan->step_count == 0 || adapter->plan->step_count > adapter->plan->head_layer) {
    return RT_ERROR_MODEL_LAYOUT;
  }
  status = check_masks(adapter);
  if (status == RT_OK) status = check_steps(adapter);
  return status == RT_OK ? check_cache(adapter) : status;
}
