/*
 * Adapter kind "skip": the head, and a path from the blocks' outputs straight to the logits.
 *   z += U (D n)
 * n are the normalised taps (adapter_normal.h); a tap is the mean over time and frequency of the
 * output of a convolution before the last block, int8 in the layer's own quantisation. Nothing is
 * propagated back through the network, so a window is run through the frozen layers once a view and
 * trained on as a vector.
 */
#include "adapter_normal.h"
#include "train_groups.h"

#define RANK_MAX RT_ADAPTER_RANK_MAX

/* Of a Cortex-M0+; docs/rp2040.md. */
#define CYCLES_PARAMETER 104u
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

/* hidden_k = sum_j D_kj n_j */
static void hidden(const rt_adapter_t *adapter, const int8_t *vector, int32_t *out) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const int8_t *down = rt_adapter_q(adapter, RT_GROUP_SKIP_DOWN);
  rt_normal_range_t range = taps(adapter);
  for (uint32_t k = 0; k < plan->rank; k++) out[k] = 0;
  for (uint32_t j = 0; j < plan->tap_channels; j++) {
    int32_t n = rt_normal_value(adapter, &range, vector, j);
    for (uint32_t k = 0; k < plan->rank; k++) out[k] += down[k * plan->tap_channels + j] * n;
  }
}

static void logits(const rt_adapter_t *adapter, const int8_t *vector, int32_t *delta_q16) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const int8_t *up = rt_adapter_q(adapter, RT_GROUP_SKIP_UP);
  int32_t h[RANK_MAX];
  rt_adapter_head_logits(adapter, vector, delta_q16);
  hidden(adapter, vector, h);
  int32_t exponent = adapter->exponents[RT_GROUP_SKIP_DOWN] + adapter->exponents[RT_GROUP_SKIP_UP] +
                     RT_NORMAL_BITS;
  rt_real_t scale = rt_real_from_uint(1, 16 - exponent);
  for (uint32_t c = 0; c < plan->classes; c++) {
    int32_t sum = 0; /* |h| < 2^14 * tap channels, at most 2^23 (checked): fits with rank 1 */
    for (uint32_t k = 0; k < plan->rank; k++) sum += up[c * plan->rank + k] * (h[k] >> 4);
    delta_q16[c] += rt_fixed_clamp(rt_real_apply(rt_real_shift(scale, 4), sum), 1 << 28);
  }
}

/* ---- learning ---- */

static int32_t bits_of(const int32_t *values, uint32_t count) {
  uint32_t all = 0;
  for (uint32_t i = 0; i < count; i++) all |= (uint32_t)rt_fixed_abs(values[i]);
  return rt_fixed_bits(all);
}

/* Brings values to at most 15 bits. Returns the right shift, negative for left. */
static int32_t normalise(int32_t *values, uint32_t count) {
  int32_t shift = bits_of(values, count) - 15;
  for (uint32_t i = 0; i < count; i++) {
    if (shift > 0) values[i] >>= shift;
    if (shift < 0) values[i] *= 1 << -shift;
  }
  return shift;
}

/* Factors of the skip path's two outer products: dU_ck = delta_c hidden_k, and dD_kj = back_k n_j
 * with back_k = sum_c U_ck delta_c. */
typedef struct {
  int32_t hidden[RANK_MAX], back[RANK_MAX];
  int32_t hidden_exponent, back_exponent;
} factors_t;

static void find_factors(const rt_adapter_t *adapter, const int8_t *vector,
                         const int32_t *delta_q15, factors_t *f) {
  const rt_adapter_plan_t *plan = adapter->plan;
  hidden(adapter, vector, f->hidden);
  int32_t shift = normalise(f->hidden, plan->rank);
  f->hidden_exponent = adapter->exponents[RT_GROUP_SKIP_DOWN] + RT_NORMAL_BITS - shift;
  const int8_t *up = rt_adapter_q(adapter, RT_GROUP_SKIP_UP);
  for (uint32_t k = 0; k < plan->rank; k++) {
    f->back[k] = 0;
    for (uint32_t c = 0; c < plan->classes; c++) {
      f->back[k] += up[c * plan->rank + k] * delta_q15[c];
    }
  }
  shift = normalise(f->back, plan->rank);
  f->back_exponent = 15 - shift + adapter->exponents[RT_GROUP_SKIP_UP];
}

static void announce(rt_adapter_t *adapter, const int8_t *normals, const int32_t *delta_q15,
                     const factors_t *f) {
  const rt_adapter_plan_t *plan = adapter->plan;
  rt_real_t delta = rt_real_shift(rt_groups_squares(delta_q15, plan->classes), -30);
  rt_real_t h = rt_real_shift(rt_groups_squares(f->hidden, plan->rank), -2 * f->hidden_exponent);
  rt_real_t back = rt_real_shift(rt_groups_squares(f->back, plan->rank), -2 * f->back_exponent);
  rt_real_t n = rt_groups_vector_squares(normals, 0, plan->tap_channels);
  rt_groups_announce(adapter, rt_real_multiply(delta, h));
  rt_groups_announce(adapter, rt_real_multiply(back, rt_real_shift(n, -2 * RT_NORMAL_BITS)));
}

static void learn_up(rt_adapter_t *adapter, const int32_t *delta_q15, const factors_t *f,
                     uint32_t *random) {
  const rt_adapter_plan_t *plan = adapter->plan;
  rt_groups_outer_t outer;
  int32_t x[RANK_MAX];
  for (uint32_t k = 0; k < plan->rank; k++) x[k] = (f->hidden[k] + 4) >> 3; /* 2^12 at most */
  uint32_t largest = rt_groups_largest(x, plan->rank) * rt_groups_largest(delta_q15, plan->classes);
  if (rt_groups_begin_outer(adapter, RT_GROUP_SKIP_UP, largest, 12 + f->hidden_exponent, random,
                            &outer)) {
    rt_groups_add_outer(adapter, &outer, delta_q15, 0, plan->rank, x, random);
  }
}

static uint32_t learn(rt_adapter_t *adapter, const int8_t *vector, const int32_t *delta_q15,
                      uint32_t *random) {
  const rt_adapter_plan_t *plan = adapter->plan;
  rt_normal_range_t range = taps(adapter);
  const int8_t *normals = rt_normal_vector(adapter, &range, vector);
  factors_t f;
  find_factors(adapter, vector, delta_q15, &f);
  announce(adapter, normals, delta_q15, &f);
  uint32_t cycles = rt_adapter_head_learn(adapter, vector, delta_q15, random);
  learn_up(adapter, delta_q15, &f, random);
  rt_groups_add_vector(adapter, RT_GROUP_SKIP_DOWN, f.back, f.back_exponent + RT_NORMAL_BITS,
                       normals, 0, random);
  return cycles + plan->rank * (plan->tap_channels + plan->classes) * CYCLES_PARAMETER;
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
