#include "adapter.h"

#include "adapter_check.h"
#include "train_groups.h"

static const rt_adapter_kind_t *find_kind(const rt_adapter_plan_t *plan) {
  switch (plan->method) {
    case RT_ADAPTER_HEAD:
      return &rt_kind_head;
    case RT_ADAPTER_SKIP:
      return &rt_kind_skip;
    case RT_ADAPTER_LORA:
      return plan->site_count == 0 ? &rt_kind_low_rank : &rt_kind_lora;
    default:
      return 0;
  }
}

/* ---- hooks ---- */

static uint32_t hook_wants(void *context, uint32_t layer) {
  rt_adapter_t *adapter = context;
  if (layer == adapter->plan->head_layer) {
    adapter->hooks.side.packed = 0;
    return RT_HOOK_PIXEL;
  }
  return adapter->kind->wants ? adapter->kind->wants(adapter, layer) : 0;
}

static void hook_pixel(void *context, uint32_t layer, uint32_t pixel, const int8_t *x,
                       int32_t *acc) {
  rt_adapter_t *adapter = context;
  if (layer == adapter->plan->head_layer) {
    rt_adapter_head_pixel(adapter, x, acc);
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

static void bind_place(rt_adapter_t *adapter, uint32_t place) {
  const rt_adapter_plan_t *plan = adapter->plan;
  adapter->place = place;
  adapter->exponents = rt_adapter_place(adapter, place);
  adapter->q = adapter->exponents + plan->group_count;
  adapter->constants = adapter->q + plan->parameter_count;
}

static void bind_buffers(rt_adapter_t *adapter) {
  const rt_adapter_plan_t *plan = adapter->plan;
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
  adapter->kind = find_kind(adapter->plan);
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
  for (uint32_t place = adapter->plan->place_count; place-- > 0;) {
    bind_place(adapter, place);
    rt_adapter_reset(adapter, 1);
  }
  return RT_OK;
}

int8_t *rt_adapter_place(const rt_adapter_t *adapter, uint32_t place) {
  const rt_adapter_plan_t *plan = adapter->plan;
  if (place == 0) return rt_adapter_buffer(adapter, &plan->payload);
  int8_t *places = rt_adapter_buffer(adapter, &plan->places);
  return places + (place - 1u) * rt_adapter_place_bytes(plan);
}

rt_status_t rt_adapter_use(rt_adapter_t *adapter, uint32_t place) {
  if (place >= adapter->plan->place_count) return RT_ERROR_ARGUMENT;
  bind_place(adapter, place);
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
