/*
 * Adapter kind "skip": the head, and a path from the blocks' outputs straight to the logits.
 *   z += U (D n),  n_j = (t_j - mean_j) * factor_j
 * t is the mean over time and frequency of the outputs of every convolution before the last block
 * (int8, the layer's own quantisation). Mean and factor are learnt from the windows of the first
 * burst and saved with the adapter: factor_j = 128 / standard deviation of t_j in steps of t,
 * 1..255, so that n is int8 in Q4. Nothing is propagated back through the network, so a window
 * is run through the frozen layers once a view and trained on as a vector.
 */

#include "adapter.h"
#include "train_groups.h"

#define NORMAL_BITS 4        /* n is Q4 */
#define FACTOR_BITS 7        /* factor = 128 / deviation */
#define DEVIATION_MIN_Q8 128 /* half a step of t: a dead channel is not blown up */
#define RANK_MAX RT_ADAPTER_RANK_MAX

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

/* n_j in Q4 within int8. */
static int8_t normal(const rt_adapter_t *adapter, const int8_t *vector, uint32_t j) {
  int32_t t = vector[adapter->plan->head_inputs + j];
  int32_t mean = adapter->constants[j];
  int32_t factor = (uint8_t)adapter->constants[adapter->plan->tap_channels + j];
  return (int8_t)rt_fixed_clamp(((t - mean) * factor) >> (FACTOR_BITS - NORMAL_BITS), 127);
}

/* hidden_k = sum_j D_kj n_j */
static void hidden(const rt_adapter_t *adapter, const int8_t *vector, int32_t *out) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const int8_t *down = rt_adapter_q(adapter, RT_GROUP_SKIP_DOWN);
  for (uint32_t k = 0; k < plan->rank; k++) out[k] = 0;
  for (uint32_t j = 0; j < plan->tap_channels; j++) {
    int32_t n = normal(adapter, vector, j);
    for (uint32_t k = 0; k < plan->rank; k++) out[k] += down[k * plan->tap_channels + j] * n;
  }
}

static void logits(const rt_adapter_t *adapter, const int8_t *vector, int32_t *delta_q16) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const int8_t *up = rt_adapter_q(adapter, RT_GROUP_SKIP_UP);
  int32_t h[RANK_MAX];
  rt_adapter_head_logits(adapter, vector, delta_q16);
  hidden(adapter, vector, h);
  int32_t exponent =
      adapter->exponents[RT_GROUP_SKIP_DOWN] + adapter->exponents[RT_GROUP_SKIP_UP] + NORMAL_BITS;
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

/* dU_ck = delta_c hidden_k */
static void learn_up(rt_adapter_t *adapter, const int8_t *vector, const int32_t *delta_q15,
                     uint32_t *random) {
  const rt_adapter_plan_t *plan = adapter->plan;
  int32_t h[RANK_MAX];
  hidden(adapter, vector, h);
  int32_t shift = normalise(h, plan->rank) + 3; /* 12 bits: products stay below 2^29 */
  for (uint32_t k = 0; k < plan->rank; k++) h[k] >>= 3;
  int32_t exponent = 15 - shift + adapter->exponents[RT_GROUP_SKIP_DOWN] + NORMAL_BITS;
  for (uint32_t c = 0; c < plan->classes; c++) {
    int32_t row[RANK_MAX];
    for (uint32_t k = 0; k < plan->rank; k++) row[k] = delta_q15[c] * h[k];
    rt_groups_add(adapter, RT_GROUP_SKIP_UP, c * plan->rank, 1, row, plan->rank, exponent, random);
  }
}

/* dD_kj = (sum_c U_ck delta_c) n_j */
static void learn_down(rt_adapter_t *adapter, int8_t *normals, const int32_t *delta_q15,
                       uint32_t *random) {
  const rt_adapter_plan_t *plan = adapter->plan;
  const int8_t *up = rt_adapter_q(adapter, RT_GROUP_SKIP_UP);
  int32_t back[RANK_MAX];
  for (uint32_t k = 0; k < plan->rank; k++) {
    back[k] = 0;
    for (uint32_t c = 0; c < plan->classes; c++) back[k] += up[c * plan->rank + k] * delta_q15[c];
  }
  int32_t shift = normalise(back, plan->rank);
  int32_t exponent = 15 - shift + adapter->exponents[RT_GROUP_SKIP_UP] + NORMAL_BITS;
  for (uint32_t k = 0; k < plan->rank; k++) {
    rt_groups_add_outer(adapter, RT_GROUP_SKIP_DOWN, k, back[k], exponent, normals, 0, random);
  }
}

static uint32_t learn(rt_adapter_t *adapter, const int8_t *vector, const int32_t *delta_q15,
                      uint32_t *random) {
  const rt_adapter_plan_t *plan = adapter->plan;
  uint32_t work = rt_adapter_head_learn(adapter, vector, delta_q15, random);
  learn_up(adapter, vector, delta_q15, random);
  /* Training runs from the cache, so the live vector's taps may hold the normalised ones. */
  int8_t *normals = adapter->vector + plan->head_inputs;
  for (uint32_t j = 0; j < plan->tap_channels; j++) normals[j] = normal(adapter, vector, j);
  learn_down(adapter, normals, delta_q15, random);
  return work + plan->rank * (2u * plan->tap_channels + 2u * plan->classes);
}

/* ---- mean and deviation of the taps ---- */

static void calibrate_tap(rt_adapter_t *adapter, const int8_t *vectors, uint32_t count,
                          uint32_t j) {
  const rt_adapter_plan_t *plan = adapter->plan;
  uint32_t stride = plan->vector.bytes;
  const int8_t *x = vectors + plan->head_inputs + j;
  uint32_t sum = 0;
  for (uint32_t i = 0; i < count; i++) sum += (uint32_t)(x[i * stride] + 128);
  int32_t mean = (int32_t)rt_fixed_divide(sum + count / 2, count) - 128;
  uint32_t squares = 0; /* at most 255^2 a window: room for 65,536 windows */
  for (uint32_t i = 0; i < count; i++) {
    int32_t d = x[i * stride] - mean;
    squares += (uint32_t)(d * d);
  }
  uint32_t variance = rt_fixed_divide(squares, count);                        /* <= 255^2 */
  uint32_t rest = rt_fixed_divide((squares - variance * count) << 16, count); /* Q16 */
  uint32_t deviation = rt_fixed_sqrt((variance << 16) + rest);                /* Q8 */
  if (deviation < DEVIATION_MIN_Q8) deviation = DEVIATION_MIN_Q8;
  uint32_t factor = rt_fixed_divide((1u << (FACTOR_BITS + 8)) + deviation / 2, deviation);
  adapter->constants[j] = (int8_t)mean;
  if (factor < 1) factor = 1;
  adapter->constants[plan->tap_channels + j] = (int8_t)(uint8_t)(factor > 255 ? 255 : factor);
}

static uint32_t is_calibrated(const rt_adapter_t *adapter) {
  const rt_adapter_plan_t *plan = adapter->plan;
  for (uint32_t j = 0; j < plan->tap_channels; j++) {
    if (adapter->constants[plan->tap_channels + j] != 0) return 1;
  }
  return 0;
}

static void calibrate(rt_adapter_t *adapter, const int8_t *vectors, uint32_t count) {
  if (is_calibrated(adapter)) return; /* D was trained on these normals: they stay as they are */
  for (uint32_t j = 0; j < adapter->plan->tap_channels; j++) {
    calibrate_tap(adapter, vectors, count, j);
  }
}

const rt_adapter_kind_t rt_kind_skip = {
    .method = RT_ADAPTER_SKIP,
    .cached = 1,
    .check = check,
    .constant_bytes = constant_bytes,
    .wants = wants,
    .row = row,
    .logits = logits,
    .calibrate = calibrate,
    .learn = learn,
};
