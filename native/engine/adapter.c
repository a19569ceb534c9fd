#include "adapter.h"

#include "adapter_check.h"
#include "train_groups.h"

/* Each part of a logit stays within +-2^29 (8,192 in real terms), so that sums cannot wrap. */
#define LOGIT_LIMIT ((1 << 29) - 1)

#define CYCLES_PARAMETER 98u /* of a Cortex-M0+; docs/rp2040.md */

static const rt_adapter_kind_t *const kinds[] = {&rt_kind_head, &rt_kind_skip, &rt_kind_lora};

static const rt_adapter_kind_t *find_kind(uint32_t method) {
  for (uint32_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    if (kinds[i]->method == method) return kinds[i];
  }
  return 0;
}

/* ---- the head: shared by all kinds ---- */

/* base + delta and the accumulators that give the same: the int8 output follows the adapter. */
static void add_delta(rt_adapter_t *adapter, int32_t *acc) {
  const rt_adapter_plan_t *plan = adapter->plan;
  int32_t *delta = adapter->logits;
  for (uint32_t c = 0; c < plan->classes; c++) delta[c] = 0;
  if (adapter->enabled) adapter->kind->logits(adapter, adapter->vector, delta);
  for (uint32_t c = 0; c < plan->classes; c++) {
    int32_t part = rt_fixed_clamp(delta[c], LOGIT_LIMIT);
    acc[c] += rt_real_apply(rt_real_shift(plan->inverse_logit_scale[c], -16), part);
    adapter->logits[c] = adapter->base_logits[c] + part;
  }
}

static void head_pixel(rt_adapter_t *adapter, const int8_t *x, int32_t *acc) {
  const rt_adapter_plan_t *plan = adapter->plan;
  __builtin_memcpy(adapter->vector, x, plan->head_inputs);
  for (uint32_t c = 0; c < plan->classes; c++) {
    int32_t logit = rt_real_apply(rt_real_shift(plan->logit_scale[c], 16), acc[c]);
    adapter->base_logits[c] = rt_fixed_clamp(logit, LOGIT_LIMIT);
  }
  add_delta(adapter, acc);
}

void rt_adapter_vector_logits(const rt_adapter_t *adapter, const int8_t *vector, int32_t *logits) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const rt_layer_t *head = &adapter->engine->model->layers[plan->head_layer];
  for (uint32_t c = 0; c < plan->classes; c++) logits[c] = 0;
  if (adapter->enabled) adapter->kind->logits(adapter, vector, logits);
  for (uint32_t c = 0; c < plan->classes; c++) {
    const int8_t *w = head->weights + c * plan->head_inputs;
    int32_t acc = head->bias[c];
    for (uint32_t i = 0; i < plan->head_inputs; i++) acc += w[i] * vector[i];
    int32_t base = rt_real_apply(rt_real_shift(plan->logit_scale[c], 16), acc);
    logits[c] = rt_fixed_clamp(base, LOGIT_LIMIT) + rt_fixed_clamp(logits[c], LOGIT_LIMIT);
  }
}

void rt_adapter_head_bias(const rt_adapter_t *adapter, int32_t *delta_q16) {
  const int8_t *b = rt_adapter_q(adapter, RT_GROUP_HEAD_BIAS);
  rt_real_t scale = rt_real_from_uint(1, 16 - adapter->exponents[RT_GROUP_HEAD_BIAS]);
  for (uint32_t c = 0; c < adapter->plan->classes; c++) {
    delta_q16[c] += rt_fixed_clamp(rt_real_apply(scale, b[c]), LOGIT_LIMIT / 2);
  }
}

void rt_adapter_head_logits(const rt_adapter_t *adapter, const int8_t *vector, int32_t *delta_q16) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const int8_t *w = rt_adapter_q(adapter, RT_GROUP_HEAD_WEIGHTS);
  int32_t zero = rt_adapter_head_zero(adapter);
  rt_real_t scale = rt_real_shift(plan->head_scale, 16 - adapter->exponents[RT_GROUP_HEAD_WEIGHTS]);
  for (uint32_t c = 0; c < plan->classes; c++, w += plan->head_inputs) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < plan->head_inputs; i++) sum += w[i] * (vector[i] - zero);
    delta_q16[c] += rt_fixed_clamp(rt_real_apply(scale, sum), LOGIT_LIMIT / 2);
  }
  rt_adapter_head_bias(adapter, delta_q16);
}

void rt_adapter_head_announce(rt_adapter_t *adapter, const int32_t *delta_q15,
                              rt_real_t input_squares) {
  rt_real_t one = rt_real_from_uint(1, 0);
  rt_real_t delta = rt_real_shift(rt_groups_squares(delta_q15, adapter->plan->classes), -30);
  rt_groups_announce(adapter, rt_real_multiply(delta, rt_real_add(input_squares, one)));
}

uint32_t rt_adapter_head_learn(rt_adapter_t *adapter, const int8_t *vector,
                               const int32_t *delta_q15, uint32_t *random) {
  const rt_adapter_plan_t *plan = adapter->plan;
  int32_t zero = rt_adapter_head_zero(adapter);
  rt_real_t squares = rt_groups_vector_squares(vector, zero, plan->head_inputs);
  squares = rt_real_multiply(squares, rt_real_multiply(plan->head_scale, plan->head_scale));
  rt_adapter_head_announce(adapter, delta_q15, squares);
  rt_groups_add_vector(adapter, RT_GROUP_HEAD_WEIGHTS, delta_q15, 15, vector, zero, random);
  rt_adapter_bias_learn(adapter, delta_q15, random);
  return plan->classes * plan->head_inputs * CYCLES_PARAMETER;
}

void rt_adapter_bias_learn(rt_adapter_t *adapter, const int32_t *delta_q15, uint32_t *random) {
  rt_groups_add_announced(adapter, RT_GROUP_HEAD_BIAS, 0, 1, delta_q15, adapter->plan->classes, 15,
                          random);
}

/* ---- hooks ---- */

static uint32_t hook_wants(void *context, uint32_t layer) {
  rt_adapter_t *adapter = context;
  if (layer == adapter->plan->head_layer) return RT_HOOK_PIXEL;
  return adapter->kind->wants ? adapter->kind->wants(adapter, layer) : 0;
}

static void hook_pixel(void *context, uint32_t layer, uint32_t pixel, const int8_t *x,
                       int32_t *acc) {
  rt_adapter_t *adapter = context;
  if (layer == adapter->plan->head_layer) {
    head_pixel(adapter, x, acc);
  } else {
    adapter->kind->pixel(adapter, layer, pixel, x, acc);
  }
}

uint32_t rt_adapter_row_cycles(const rt_adapter_t *adapter, uint32_t layer) {
  uint32_t cycles = rt_engine_row_cycles(adapter->engine, layer);
  return adapter->kind->row_cycles ? cycles + adapter->kind->row_cycles(adapter, layer) : cycles;
}

static void hook_row(void *context, uint32_t layer, uint32_t row) {
  rt_adapter_t *adapter = context;
  if (adapter->kind->row) adapter->kind->row(adapter, layer, row);
}

/* ---- life ---- */

static void bind_buffers(rt_adapter_t *adapter) {
  const rt_adapter_plan_t *plan = adapter->plan;
  adapter->exponents = rt_adapter_buffer(adapter, &plan->payload);
  adapter->q = adapter->exponents + plan->group_count;
  adapter->constants = adapter->q + plan->parameter_count;
  adapter->residual = rt_adapter_buffer(adapter, &plan->residual);
  adapter->momentum = rt_adapter_buffer(adapter, &plan->momentum);
  adapter->gradient = rt_adapter_buffer(adapter, &plan->gradient);
  adapter->state = rt_adapter_buffer(adapter, &plan->state);
  adapter->vector = rt_adapter_buffer(adapter, &plan->vector);
  adapter->base_logits = rt_adapter_buffer(adapter, &plan->logits);
  adapter->logits = adapter->base_logits + plan->classes;
}

rt_status_t rt_adapter_init(rt_adapter_t *adapter, rt_engine_t *engine) {
  __builtin_memset(adapter, 0, sizeof(*adapter));
  if (engine->model->adapter == 0) return RT_ERROR_STATE;
  adapter->engine = engine;
  adapter->plan = engine->model->adapter;
  adapter->kind = find_kind(adapter->plan->method);
  if (adapter->kind == 0) return RT_ERROR_MODEL_OP;
  rt_status_t status = rt_adapter_check(adapter);
  if (status != RT_OK) return status;
  bind_buffers(adapter);
  adapter->hooks.context = adapter;
  adapter->hooks.accumulators = rt_adapter_buffer(adapter, &adapter->plan->scratch);
  adapter->hooks.wants = hook_wants;
  adapter->hooks.pixel = hook_pixel;
  adapter->hooks.row = hook_row;
  engine->hooks = &adapter->hooks;
  adapter->enabled = 1;
  __builtin_memset(adapter->vector, 0, adapter->plan->vector.bytes);
  rt_adapter_reset(adapter, 1);
  return RT_OK;
}

static void reset_group(rt_adapter_t *adapter, uint32_t g, uint32_t *random) {
  const rt_adapter_group_t *group = &adapter->plan->groups[g];
  adapter->exponents[g] = (int8_t)group->exponent;
  for (uint32_t i = 0; i < group->rows * group->columns; i++) {
    int32_t value = 0;
    if (group->spread_q8 != 0) value = rt_fixed_random_normal(random, group->spread_q8) >> 8;
    adapter->q[group->first + i] = (int8_t)rt_fixed_clamp(value, 127);
  }
}

void rt_adapter_reset(rt_adapter_t *adapter, uint32_t seed) {
  const rt_adapter_plan_t *plan = adapter->plan;
  uint32_t random = rt_fixed_seed(seed);
  for (uint32_t g = 0; g < plan->group_count; g++) reset_group(adapter, g, &random);
  __builtin_memset(adapter->constants, 0, adapter->kind->constant_bytes(plan));
  __builtin_memset(adapter->residual, RT_UPDATE_ZERO, plan->parameter_count);
}

void rt_adapter_enable(rt_adapter_t *adapter, uint32_t enabled) { adapter->enabled = enabled != 0; }
