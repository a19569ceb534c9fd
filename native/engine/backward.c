#include "backward.h"

#include "backward_parts.h"

#define SIGNAL_LIMIT 32767
#define SIGNAL_BITS 15
#define HEADROOM_MARGIN 2
#define CYCLES_POOL_OUTPUT 23u
#define SUM_BITS 29 /* what the int32 sums of a layer may take, with room for the LoRA path */

/* ---- the head ---- */

static int32_t bits_of(const int32_t *values, uint32_t count) {
  uint32_t all = 0;
  for (uint32_t i = 0; i < count; i++) all |= (uint32_t)rt_fixed_abs(values[i]);
  return rt_fixed_bits(all);
}

static int32_t largest_exponent(const rt_real_t *values, uint32_t count) {
  int32_t largest = values[0].exponent;
  for (uint32_t i = 1; i < count; i++) {
    if (values[i].exponent > largest) largest = values[i].exponent;
  }
  return largest;
}

/* sums_i = sum_c (w_ci weight_scale_c + dW_ci) input_scale delta_c * 2^(15 + exponent). The
 * magnitudes of delta add up to at most 2, so the sums stay below 2^29. */
static void head_sums(const rt_adapter_t *adapter, const int32_t *delta_q15, int32_t exponent,
                      int32_t *sums) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const int8_t *w = adapter->engine->model->layers[plan->head_layer].weights;
  const int8_t *dw = rt_adapter_q(adapter, RT_GROUP_HEAD_WEIGHTS);
  rt_real_t own =
      rt_real_shift(plan->head_scale, exponent - adapter->exponents[RT_GROUP_HEAD_WEIGHTS]);
  __builtin_memset(sums, 0, plan->head_inputs * sizeof(int32_t));
  for (uint32_t c = 0; c < plan->classes; c++) {
    int32_t frozen = rt_real_apply(rt_real_shift(plan->logit_scale[c], exponent), delta_q15[c]);
    int32_t learnt = rt_fixed_clamp(rt_real_apply(own, delta_q15[c]), 1 << 19);
    for (uint32_t i = 0; i < plan->head_inputs; i++) sums[i] += w[i] * frozen + dw[i] * learnt;
    w += plan->head_inputs;
    dw += plan->head_inputs;
  }
}

void rt_backward_begin(rt_backward_t *backward, rt_adapter_t *adapter, const int32_t *delta_q15) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const rt_layer_t *first = &adapter->engine->model->layers[plan->steps[0].layer];
  __builtin_memset(backward, 0, sizeof(*backward));
  backward->adapter = adapter;
  backward->pooled = first->op == RT_OP_AVERAGE_POOL_2D;
  int32_t exponent =
      14 - bits_of(delta_q15, plan->classes) - largest_exponent(plan->logit_scale, plan->classes);
  int32_t *sums = rt_adapter_buffer(adapter, &plan->sums);
  head_sums(adapter, delta_q15, exponent, sums);
  int32_t shift = bits_of(sums, plan->head_inputs) - SIGNAL_BITS;
  if (shift < 0) shift = 0;
  int16_t *out =
      backward->pooled ? rt_adapter_buffer(adapter, &plan->pooled) : rt_backward_signal(backward);
  /* The clamp of the layer before the head; behind a pool it is applied where pixels are known. */
  int32_t low = backward->pooled ? -129 : first->activation_min;
  int32_t high = backward->pooled || first->activation_max == 127 ? 128 : first->activation_max;
  for (uint32_t i = 0; i < plan->head_inputs; i++) {
    int32_t passes = adapter->vector[i] > low && adapter->vector[i] < high;
    out[i] = (int16_t)(passes ? sums[i] >> shift : 0);
    int32_t magnitude = rt_fixed_abs(out[i]);
    if (magnitude > backward->max) backward->max = magnitude;
  }
  backward->exponent = 15 + exponent - shift;
}

/* ---- shared by the layer kinds ---- */

void rt_backward_layer(const rt_backward_t *backward, rt_backward_layer_t *out) {
  const rt_model_t *model = backward->adapter->engine->model;
  const rt_adapter_step_t *step = &backward->adapter->plan->steps[backward->step];
  const rt_layer_t *layer = &model->layers[step->layer];
  const rt_tensor_t *input = &model->tensors[layer->input];
  const rt_tensor_t *output = &model->tensors[layer->output];
  uint32_t flat = layer->op == RT_OP_FULLY_CONNECTED;
  out->step = step;
  out->layer = layer;
  out->producer = step->producer == RT_NONE ? 0 : &model->layers[step->producer];
  out->rows = flat ? 1u : (uint32_t)output->height;
  out->columns = flat ? 1u : (uint32_t)output->width;
  out->inputs = (uint32_t)input->channels;
  if (flat) out->inputs *= (uint32_t)(input->height * input->width);
  out->outputs = (uint32_t)output->channels;
  out->x = rt_engine_tensor(backward->adapter->engine, layer->input);
  out->zero = input->zero_point;
}

static uint32_t mask_bit(const rt_adapter_t *adapter, uint32_t mask, uint32_t i) {
  const uint8_t *bits =
      (const uint8_t *)adapter->engine->arena + adapter->plan->masks[mask].offset_bytes;
  return (bits[i >> 3] >> (i & 7u)) & 1u;
}

int32_t rt_backward_load(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                         uint32_t pixel, uint32_t channel) {
  const rt_adapter_t *adapter = backward->adapter;
  uint32_t i = pixel * layer->outputs + channel;
  if (!backward->pooled) return rt_backward_signal(backward)[i];
  const int16_t *pooled = rt_adapter_buffer(adapter, &adapter->plan->pooled);
  return mask_bit(adapter, layer->step->output_mask, i) ? pooled[channel] : 0;
}

uint32_t rt_backward_passes(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                            uint32_t i) {
  if (layer->step->input_mask != RT_NONE) {
    return mask_bit(backward->adapter, layer->step->input_mask, i);
  }
  const rt_layer_t *producer = layer->producer;
  if (producer == 0) return 1;
  int32_t top = producer->activation_max < 127 ? producer->activation_max : 128;
  return layer->x[i] > producer->activation_min && layer->x[i] < top;
}

int32_t rt_backward_gain_shift(const rt_backward_layer_t *layer) {
  int32_t largest = layer->layer->shift[0];
  for (uint32_t c = 1; c < layer->outputs; c++) {
    if (layer->layer->shift[c] > largest) largest = layer->layer->shift[c];
  }
  return largest;
}

int32_t rt_backward_gain_right(const rt_backward_t *backward) {
  return 15 + rt_fixed_bits((uint32_t)backward->max) - backward->gain_bits;
}

/* Bits of the bound that this step left unused so far; 0: not known yet. */
static int32_t *headroom(const rt_backward_t *backward) {
  const rt_adapter_t *adapter = backward->adapter;
  return (int32_t *)(void *)(adapter->state + adapter->plan->group_count) + backward->step;
}

static int32_t spare_bits(const rt_backward_t *backward) {
  int32_t known = *headroom(backward);
  return known > HEADROOM_MARGIN ? known - HEADROOM_MARGIN : 0;
}

/* Follows a window with less headroom at once, one with more bit by bit. */
static void learn_headroom(const rt_backward_t *backward) {
  int32_t *known = headroom(backward);
  int32_t seen = SIGNAL_BITS - rt_fixed_bits((uint32_t)backward->next_max) + backward->spare;
  if (*known == 0 || seen < *known) {
    *known = seen;
  } else if (seen > *known) {
    (*known)++;
  }
}

int32_t rt_backward_prepare(rt_backward_t *backward, const rt_backward_layer_t *layer) {
  int32_t bound_bits = rt_fixed_bits(layer->step->bound);
  int32_t signal_bits = rt_fixed_bits((uint32_t)backward->max);
  int32_t largest = rt_backward_gain_shift(layer);
  backward->gain_bits = SUM_BITS - bound_bits < 15 ? SUM_BITS - bound_bits : 15;
  backward->gain_exponent = backward->exponent - largest - signal_bits + backward->gain_bits;
  /* One bit of room for the LoRA path; what still does not fit saturates. */
  int32_t room = layer->step->site == RT_NONE ? 0 : 1;
  backward->narrow = backward->gain_bits + bound_bits + room - SIGNAL_BITS;
  backward->spare = spare_bits(backward);
  if (backward->spare > backward->narrow) backward->spare = backward->narrow;
  backward->narrow -= backward->spare;
  backward->next_max = 0;
  return largest;
}

void rt_backward_store(rt_backward_t *backward, const rt_backward_layer_t *layer, uint32_t i,
                       int32_t sum, uint32_t *random) {
  int32_t value = 0;
  if (rt_backward_passes(backward, layer, i)) {
    value = rt_fixed_round_stochastic(sum, (uint32_t)backward->narrow, rt_fixed_random(random));
    value = rt_fixed_clamp(value, SIGNAL_LIMIT);
  }
  rt_backward_signal(backward)[i] = (int16_t)value;
  value = rt_fixed_abs(value);
  if (value > backward->next_max) backward->next_max = value;
}

/* ---- the pass ---- */

/* G_x = G_y / pixels: a factor in [1/2, 1) on the mantissas and the rest in the exponent. */
static void pool_step(rt_backward_t *backward) {
  rt_backward_layer_t layer;
  rt_backward_layer(backward, &layer);
  uint32_t pixels = (uint32_t)(layer.layer->kernel_height * layer.layer->kernel_width);
  int32_t bits = rt_fixed_bits(pixels) - 1; /* 2^bits <= pixels */
  int32_t factor = (int32_t)rt_fixed_divide(1u << (15 + bits), pixels);
  int16_t *pooled = rt_adapter_buffer(backward->adapter, &backward->adapter->plan->pooled);
  for (uint32_t c = 0; c < layer.outputs; c++) {
    pooled[c] = (int16_t)((pooled[c] * factor + (1 << 14)) >> 15);
  }
  backward->exponent += bits;
}

static void next_step(rt_backward_t *backward) {
  backward->step++;
  backward->pass = 0;
  backward->next = 0;
}

rt_status_t rt_backward_run(rt_backward_t *backward, uint32_t *random, uint32_t *cycles) {
  const rt_adapter_plan_t *plan = backward->adapter->plan;
  rt_backward_layer_t layer;
  rt_backward_layer(backward, &layer);
  rt_status_t status = RT_OK;
  if (layer.layer->op == RT_OP_AVERAGE_POOL_2D) {
    pool_step(backward);
    *cycles += layer.outputs * CYCLES_POOL_OUTPUT;
    next_step(backward);
    return backward->step == plan->step_count ? RT_OK : RT_BUSY;
  }
  if (layer.layer->op == RT_OP_DEPTHWISE_CONV_2D) {
    status = rt_backward_depthwise(backward, &layer, random, cycles);
  } else {
    status = rt_backward_dense(backward, &layer, random, cycles);
  }
  if (status == RT_BUSY) return RT_BUSY;
  if (backward->step + 1 == plan->step_count) return RT_OK;
  learn_headroom(backward);
  backward->exponent = backward->gain_exponent - backward->narrow;
  backward->max = backward->next_max;
  backward->pooled = 0;
  next_step(backward);
  return RT_BUSY;
}
