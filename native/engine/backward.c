#include "backward.h"

#include "backward_parts.h"
#include "hot.h"

#define SIGNAL_BITS 7
#define NARROW_MAX 24 /* sums stay below 2^30 */
#define CYCLES_HEAD_PRODUCT 12u
/* Gains are remembered in eighths of a bit, with this added so that 0 can mean "not yet". */
#define GAIN_BASE 1024

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

/* G_x = G_y / pixels: a factor in [1/2, 1) on the sums, brought to 15 bits; the rest, a power of 2,
 * is returned for the exponent. */
static int32_t pool(const rt_layer_t *layer, int32_t *sums, uint32_t count) {
  uint32_t pixels = (uint32_t)(layer->kernel_height * layer->kernel_width);
  int32_t bits = rt_fixed_bits(pixels) - 1; /* 2^bits <= pixels */
  int32_t factor = (int32_t)rt_fixed_divide(1u << (15 + bits), pixels);
  int32_t shift = bits_of(sums, count) - 15;
  for (uint32_t i = 0; i < count; i++) {
    int32_t value = shift > 0 ? sums[i] >> shift : sums[i] * (1 << -shift);
    sums[i] = value * factor;
  }
  return bits + 15 - shift;
}

void rt_backward_begin(rt_backward_t *backward, rt_adapter_t *adapter, const int32_t *delta_q15,
                       uint32_t *random) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const rt_layer_t *first = &adapter->engine->model->layers[plan->steps[0].layer];
  __builtin_memset(backward, 0, sizeof(*backward));
  backward->adapter = adapter;
  backward->pooled = first->op == RT_OP_AVERAGE_POOL_2D;
  int32_t exponent =
      14 - bits_of(delta_q15, plan->classes) - largest_exponent(plan->logit_scale, plan->classes);
  int32_t *sums = rt_backward_work(backward);
  head_sums(adapter, delta_q15, exponent, sums);
  exponent += 15;
  /* The clamp of the layer before the head; behind a pool it is applied where pixels are known. */
  rt_emit_gate_t gate = {0, 0, 0, 0};
  int8_t *out = rt_backward_signal(backward);
  if (backward->pooled) {
    exponent += pool(first, sums, plan->head_inputs);
    out = rt_adapter_buffer(adapter, &plan->pooled);
  } else {
    rt_emit_gate_of(first, adapter->vector, &gate);
  }
  int32_t narrow = bits_of(sums, plan->head_inputs) - SIGNAL_BITS;
  if (narrow < 0) narrow = 0;
  rt_emit_gate(sums, plan->head_inputs, 0, &gate);
  uint32_t seen = rt_emit_round(sums, plan->head_inputs, out, 1, (uint32_t)narrow, random);
  backward->bits = rt_fixed_bits(seen) - narrow;
  if (backward->bits < 0) backward->bits = 0;
  backward->exponent = exponent - narrow;
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
  out->columns = flat ? 1u : (uint32_t)output->width;
  out->pixels = flat ? 1u : (uint32_t)(output->height * output->width);
  out->inputs = (uint32_t)input->channels;
  if (flat) out->inputs *= (uint32_t)(input->height * input->width);
  out->outputs = (uint32_t)output->channels;
  out->x = rt_engine_tensor(backward->adapter->engine, layer->input);
  out->zero = input->zero_point;
}

static const uint8_t *mask_bits(const rt_adapter_t *adapter, uint32_t mask) {
  return (const uint8_t *)adapter->engine->arena + adapter->plan->masks[mask].offset_bytes;
}

RT_HOT void rt_backward_column(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                               uint32_t pixel, uint32_t count, uint32_t channel, int8_t *out) {
  const rt_adapter_t *adapter = backward->adapter;
  uint32_t i = pixel * layer->outputs + channel;
  if (!backward->pooled) {
    const int8_t *signal = rt_backward_signal(backward) + i;
    for (; count > 0; count--, signal += layer->outputs) *out++ = *signal;
    return;
  }
  const int8_t *pooled = rt_adapter_buffer(adapter, &adapter->plan->pooled);
  const uint8_t *bits = mask_bits(adapter, layer->step->output_mask);
  int8_t value = pooled[channel];
  for (; count > 0; count--, i += layer->outputs) {
    *out++ = (bits[i >> 3] >> (i & 7u)) & 1u ? value : 0;
  }
}

RT_HOT const int8_t *rt_backward_pixel(const rt_backward_t *backward,
                                       const rt_backward_layer_t *layer, uint32_t pixel,
                                       int8_t *scratch) {
  const rt_adapter_t *adapter = backward->adapter;
  uint32_t first = pixel * layer->outputs;
  const int8_t *from = rt_backward_signal(backward) + first;
  if (!backward->pooled && layer->outputs % 4u == 0) return from; /* the buffer is 4-aligned */
  if (!backward->pooled) {
    for (uint32_t c = 0; c < layer->outputs; c++) scratch[c] = from[c];
    return scratch;
  }
  const uint8_t *bits = mask_bits(adapter, layer->step->output_mask);
  from = rt_adapter_buffer(adapter, &adapter->plan->pooled);
  if (layer->outputs % 8u == 0) { /* so a pixel begins with a byte of the mask */
    const uint32_t *word = (const uint32_t *)(const void *)from;
    uint32_t *to = (uint32_t *)(void *)scratch;
    for (uint32_t c = 0; c < layer->outputs; c += 4) *to++ = *word++;
    rt_emit_mask(bits + (first >> 3), layer->outputs, scratch);
    return scratch;
  }
  for (uint32_t c = 0, i = first; c < layer->outputs; c++, i++) {
    scratch[c] = (bits[i >> 3] >> (i & 7u)) & 1u ? from[c] : 0;
  }
  return scratch;
}

/* Eighths of a bit that this step's sums gained over its signal; 0: not known yet. */
static int32_t *gain(const rt_backward_t *backward) {
  const rt_adapter_t *adapter = backward->adapter;
  return (int32_t *)(void *)(adapter->state + adapter->plan->group_count) + backward->step;
}

/* Follows a window with a larger gain at once, a smaller one by an eighth of a bit. */
static void learn_gain(const rt_backward_t *backward) {
  int32_t *known = gain(backward);
  if (backward->bits == 0 || backward->magnitude == 0) return; /* nothing came in or out */
  int32_t seen = 8 * (rt_fixed_bits(backward->magnitude) - backward->bits) + GAIN_BASE;
  if (*known == 0 || seen > *known) {
    *known = seen;
  } else if (seen < *known) {
    (*known)--;
  }
}

RT_HOT void rt_backward_prepare(rt_backward_t *backward, const rt_backward_layer_t *layer) {
  int32_t known = *gain(backward);
  int32_t bits = known == 0 ? (int32_t)layer->step->gain_bits : (known - GAIN_BASE + 7) >> 3;
  backward->narrow = backward->bits + bits - SIGNAL_BITS;
  if (backward->narrow < 0) backward->narrow = 0;
  if (backward->narrow > NARROW_MAX) backward->narrow = NARROW_MAX;
  backward->magnitude = 0;
}

RT_HOT rt_emit_gate_t rt_backward_gate(const rt_backward_t *backward,
                                       const rt_backward_layer_t *layer) {
  const rt_adapter_t *adapter = backward->adapter;
  const rt_adapter_step_t *step = layer->step;
  rt_emit_gate_t gate = {0, 0, 0, 0};
  if (step->input_mask != RT_NONE) {
    gate.bits = mask_bits(adapter, step->input_mask);
  } else if (step->producer != RT_NONE) {
    rt_emit_gate_of(&adapter->engine->model->layers[step->producer], layer->x, &gate);
  }
  return gate;
}

void rt_backward_mask(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                      uint32_t values) {
  if (layer->step->input_mask == RT_NONE) return;
  rt_emit_mask(mask_bits(backward->adapter, layer->step->input_mask), values,
               rt_backward_signal(backward));
}

/* ---- the pass ---- */

static void next_step(rt_backward_t *backward) {
  backward->step++;
  backward->pass = 0;
  backward->ready = 0;
  backward->next = 0;
}

rt_status_t rt_backward_run(rt_backward_t *backward, uint32_t *random, uint32_t *cycles) {
  const rt_adapter_plan_t *plan = backward->adapter->plan;
  rt_backward_layer_t layer;
  rt_backward_layer(backward, &layer);
  if (layer.layer->op == RT_OP_AVERAGE_POOL_2D) {
    *cycles += plan->classes * plan->head_inputs * CYCLES_HEAD_PRODUCT; /* of rt_backward_begin */
    next_step(backward);
    return RT_BUSY; /* a step follows: see adapter_check.c */
  }
  rt_status_t status = layer.layer->op == RT_OP_DEPTHWISE_CONV_2D
                           ? rt_backward_depthwise(backward, &layer, random, cycles)
                           : rt_backward_dense(backward, &layer, random, cycles);
  if (status == RT_BUSY) return RT_BUSY;
  if (backward->step + 1 == plan->step_count) return RT_OK;
  learn_gain(backward);
  backward->exponent += layer.step->exponent - backward->narrow;
  backward->bits = rt_fixed_bits(backward->magnitude) - backward->narrow;
  if (backward->bits < 0) backward->bits = 0;
  if (backward->bits > SIGNAL_BITS) backward->bits = SIGNAL_BITS;
  backward->pooled = 0;
  next_step(backward);
  return RT_BUSY;
}
