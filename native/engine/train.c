#include "train.h"

#include "train_cache.h"
#include "without_lora.h"

/* Cycles of a Cortex-M0+ a unit of work, for budgets: measured in bench/, rounded up. */
#define CYCLES_SHOW_VALUE 10u /* as it is */
#define CYCLES_COPIED_VALUE 2u
#define CYCLES_VIEW_VALUE 150u
#define CYCLES_OTHER 190u

#define LOSS_LIMIT 0xfffffu /* 16 nats: sums of 4,096 stay within 32 bits */

/* ---- memory of the burst ---- */

static uint16_t *training_slots(const rt_trainer_t *trainer) {
  return rt_adapter_buffer(trainer->adapter, &trainer->adapter->plan->order);
}

static uint16_t *sample_order(const rt_trainer_t *trainer) {
  return training_slots(trainer) + trainer->adapter->plan->windows;
}

static int8_t *snapshot(const rt_trainer_t *trainer) {
  return rt_adapter_buffer(trainer->adapter, &trainer->adapter->plan->snapshot);
}

/* ---- life ---- */

rt_status_t rt_trainer_init(rt_trainer_t *trainer, rt_adapter_t *adapter, void *memory,
                            uint32_t bytes) {
  __builtin_memset(trainer, 0, sizeof(*trainer));
  trainer->adapter = adapter;
  return rt_windows_init(&trainer->windows, adapter->engine, memory, bytes, adapter->plan->windows);
}

rt_status_t rt_train_remember(rt_trainer_t *trainer, uint32_t label, uint32_t purpose) {
  if (trainer->phase != RT_PHASE_IDLE) return RT_ERROR_STATE;
  if (label >= trainer->adapter->plan->classes || purpose >= RT_WINDOW_PURPOSES) {
    return RT_ERROR_ARGUMENT;
  }
  return rt_windows_remember(&trainer->windows, label, purpose);
}

rt_status_t rt_train_forget(rt_trainer_t *trainer) {
  if (trainer->phase != RT_PHASE_IDLE) return RT_ERROR_STATE;
  rt_windows_forget(&trainer->windows);
  return RT_OK;
}

/* What the kinds share: docs/training.md says how these were found. */
static const rt_train_params_t common = {
    .batch = 8,
    .views = 8,
    .jitter = {.shift_rows = 4, .tempo_q8 = 38, .noise_q8 = 26, .gain_q8 = 128, .erode_q8 = 128},
    .seed = 1,
};

static void default_rule(uint32_t method, rt_train_params_t *params) {
  params->steps = 300;
  params->rate_q24 = 1048576; /* 0.0625 */
  params->clip_q16 = 4u << 16;
  params->decay_q24 = 109052; /* 0.0065 */
  if (method == RT_ADAPTER_SKIP) return;
  params->smoothing_q15 = 1638; /* 0.05 */
  params->clip_q16 = 2u << 16;
  if (method == RT_ADAPTER_HEAD) {
    params->rate_q24 = 3355443; /* 0.2 */
    params->decay_q24 = 50332;  /* 0.003 */
    params->jitter.gain_q8 = 77;
    params->jitter.erode_q8 = 90;
  } else {
    params->rate_q24 = 3019899;   /* 0.18 */
    params->decay_q24 = 8389;     /* 0.0005 */
    params->smoothing_q15 = 2621; /* 0.08 */
  }
}

/* With momentum 0.9 a gradient counts ten times, and one of a batch is a mean. */
static void momentum_rule(uint32_t method, rt_train_params_t *params) {
  params->rate_q24 = method == RT_ADAPTER_SKIP ? 838861 : 1677722; /* 0.05, 0.1 */
  params->momentum_q15 = 29491;                                    /* 0.9 */
  params->clip_q16 = 65536;
}

void rt_train_defaults(const rt_adapter_t *adapter, rt_train_params_t *params) {
  *params = common;
  default_rule(adapter->plan->method, params);
  if (!rt_groups_fused(adapter->plan)) momentum_rule(adapter->plan->method, params);
  const rt_model_t *model = adapter->engine->model;
  uint32_t half = (uint32_t)model->tensors[model->input_tensor].height / 2u;
  if (params->jitter.shift_rows > half) params->jitter.shift_rows = half;
}

static uint32_t out_of_range(const rt_trainer_t *trainer, const rt_train_params_t *p) {
  const rt_model_t *model = trainer->adapter->engine->model;
  uint32_t height = (uint32_t)model->tensors[model->input_tensor].height;
  return p->steps < 1 || p->steps > 65535 || p->batch < 1 || p->batch > 64 || p->rate_q24 < 1 ||
         p->rate_q24 > (1u << 24) || p->momentum_q15 > 32767 || p->decay_q24 > (1u << 24) ||
         (p->momentum_q15 != 0 && rt_groups_fused(trainer->adapter->plan)) ||
         p->smoothing_q15 > 16384 || p->views < 1 || p->views > 255 ||
         p->jitter.shift_rows > height / 2 || p->jitter.tempo_q8 > 128 ||
         p->jitter.noise_q8 > 256 || p->jitter.gain_q8 > 512 || p->jitter.erode_q8 > 256;
}

static void list_training_windows(rt_trainer_t *trainer) {
  uint16_t *slots = training_slots(trainer);
  trainer->count = 0;
  for (uint32_t i = 0; i < trainer->windows.count; i++) {
    if (rt_windows_head(&trainer->windows, i)->purpose != RT_WINDOW_TRAIN) continue;
    slots[trainer->count++] = (uint16_t)i;
  }
}

/* What the whole burst learns with. */
static void begin_rule(rt_trainer_t *trainer) {
  const rt_train_params_t *p = &trainer->params;
  rt_groups_rule_t rule;
  rule.momentum = rt_real_from_uint(p->momentum_q15, -15);
  rule.decay = rt_real_from_uint(p->decay_q24, -24);
  rule.clip = rt_real_from_uint(p->clip_q16, -16);
  rule.batch = p->batch;
  rt_groups_begin(trainer->adapter, &rule);
  trainer->first_rate = rt_real_from_uint(p->rate_q24, -24);
  trainer->stride_q32 = rt_fixed_divide(0xffffffffu, p->steps);
  trainer->target = rt_loss_target(trainer->adapter->plan->classes, (int32_t)p->smoothing_q15);
}

rt_status_t rt_train_begin(rt_trainer_t *trainer, const rt_train_params_t *params) {
  if (trainer->phase != RT_PHASE_IDLE) return RT_ERROR_STATE;
  if (out_of_range(trainer, params)) return RT_ERROR_ARGUMENT;
  list_training_windows(trainer);
  if (trainer->count == 0) return RT_ERROR_EMPTY;
  rt_adapter_t *adapter = trainer->adapter;
  trainer->params = *params;
  __builtin_memcpy(snapshot(trainer), adapter->exponents, adapter->plan->snapshot.bytes);
  trainer->can_restore = 1;
  trainer->order_random = rt_fixed_seed(params->seed);
  trainer->view_random = rt_fixed_seed(params->seed + 0x10000u);
  trainer->round_random = rt_fixed_seed(params->seed + 0x20000u);
  trainer->drawn = trainer->count;
  trainer->step = trainer->in_batch = trainer->position = trainer->refreshed = 0;
  trainer->started = trainer->stopping = trainer->calibrated = trainer->loss_sum_q16 = 0;
  begin_rule(trainer);
  adapter->enabled = 1;
  adapter->training = !adapter->kind->cached;
  trainer->cached = trainer->count;
  if (trainer->cached > adapter->plan->cache_windows) {
    trainer->cached = adapter->plan->cache_windows;
  }
  trainer->phase = RT_PHASE_CACHE;
  return RT_OK;
}

void rt_train_stop(rt_trainer_t *trainer) { trainer->stopping = 1; }

uint32_t rt_train_owns_arena(const rt_trainer_t *trainer) {
  return trainer->started || trainer->phase == RT_PHASE_FORWARD ||
         trainer->phase == RT_PHASE_BACKWARD;
}

rt_status_t rt_train_restore(rt_trainer_t *trainer) {
  if (trainer->phase != RT_PHASE_IDLE || !trainer->can_restore) return RT_ERROR_STATE;
  __builtin_memcpy(trainer->adapter->exponents, snapshot(trainer),
                   trainer->adapter->plan->snapshot.bytes);
  trainer->can_restore = 0;
  return RT_OK;
}

/* ---- units ---- */

static uint32_t input_values(const rt_trainer_t *trainer) {
  return trainer->windows.entry_bytes - (uint32_t)sizeof(rt_window_head_t);
}

/* Shows the training window at `position` and starts a forward pass. */
static void show(rt_trainer_t *trainer, uint32_t slot, uint32_t jittered, uint32_t *cycles) {
  const rt_windows_jitter_t *jitter = jittered ? &trainer->params.jitter : 0;
  rt_windows_show(&trainer->windows, slot, jitter, &trainer->view_random);
  rt_engine_begin(trainer->adapter->engine);
  trainer->started = 1;
  *cycles += input_values(trainer) * (jittered ? CYCLES_VIEW_VALUE : CYCLES_SHOW_VALUE);
}

/* A row of the forward pass that has started. Returns RT_OK when all before layer `end` is done. */
static rt_status_t row_unit(rt_trainer_t *trainer, uint32_t end, uint32_t *cycles) {
  rt_engine_t *engine = trainer->adapter->engine;
  *cycles += rt_adapter_row_cycles(trainer->adapter, engine->layer);
  rt_status_t status = rt_engine_run(engine, 1); /* a row is the least it does */
  if (status == RT_BUSY && engine->layer == end) status = RT_OK;
  if (status != RT_BUSY) trainer->started = 0;
  return status;
}

/* A row of a forward pass over window `slot`; the first call shows it. Returns RT_OK at its end. */
static rt_status_t forward_unit(rt_trainer_t *trainer, uint32_t slot, uint32_t jittered,
                                uint32_t *cycles) {
  if (trainer->started) {
    return row_unit(trainer, trainer->adapter->engine->model->layer_count, cycles);
  }
  show(trainer, slot, jittered, cycles);
  return RT_BUSY;
}

/* The same through the frozen layers alone, whose result is kept as entry `position` at the end. */
static rt_status_t frozen_unit(rt_trainer_t *trainer, uint32_t position, uint32_t jittered,
                               uint32_t *cycles) {
  const rt_adapter_t *adapter = trainer->adapter;
  if (!trainer->started) {
    show(trainer, training_slots(trainer)[position], jittered, cycles);
    return RT_BUSY;
  }
  rt_status_t status = row_unit(trainer, rt_train_cache_end(adapter), cycles);
  if (status != RT_OK) return status;
  rt_train_cache_store(adapter, position);
  *cycles += rt_train_cache_values(adapter) * CYCLES_COPIED_VALUE;
  return RT_OK;
}

static void calibrate_unit(rt_trainer_t *trainer, uint32_t *cycles) {
  rt_adapter_t *adapter = trainer->adapter;
  rt_status_t status = RT_OK;
  if (adapter->kind->calibrate) {
    status = adapter->kind->calibrate(adapter, rt_train_cache_entry(adapter, 0), trainer->count,
                                      &trainer->calibrated, cycles);
  }
  if (status == RT_OK) trainer->phase = RT_PHASE_SAMPLE;
}

static rt_status_t cache_unit(rt_trainer_t *trainer, uint32_t *cycles) {
  if (trainer->position == trainer->cached) {
    calibrate_unit(trainer, cycles);
    return RT_BUSY;
  }
  rt_status_t status = frozen_unit(trainer, trainer->position, 0, cycles);
  if (status == RT_OK) trainer->position++;
  return RT_BUSY;
}

static rt_status_t refresh_unit(rt_trainer_t *trainer, uint32_t *cycles) {
  uint32_t position = trainer->refreshed;
  while (position >= trainer->cached) position -= trainer->cached;
  rt_status_t status = frozen_unit(trainer, position, 1, cycles);
  if (status != RT_OK) return status;
  trainer->refreshed++;
  trainer->phase = RT_PHASE_SAMPLE;
  return RT_BUSY;
}

/* New views are spread evenly over the burst. */
static uint32_t wants_refresh(const rt_trainer_t *trainer) {
  uint32_t views = (trainer->params.views - 1u) * trainer->cached; /* at most 254 * 4,096 */
  if (trainer->refreshed >= views) return 0;
  if (trainer->in_batch != 0) return 0;
  /* refreshed / views < step / steps, in 10 bits each to stay within 32 */
  return rt_fixed_divide(trainer->refreshed << 10, views) <
         rt_fixed_divide(trainer->step << 10, trainer->params.steps);
}

/* The next training window: a new random order whenever all have been drawn (Fisher-Yates with
 * order_random: for i = n - 1 down to 1, swap i with random_below(i + 1)). */
static void draw_sample(rt_trainer_t *trainer) {
  uint16_t *order = sample_order(trainer);
  if (trainer->drawn == trainer->count) {
    for (uint32_t i = 0; i < trainer->count; i++) order[i] = (uint16_t)i;
    for (uint32_t i = trainer->count - 1u; i > 0; i--) {
      uint32_t j = rt_fixed_random_below(&trainer->order_random, i + 1u);
      uint16_t swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    trainer->drawn = 0;
  }
  trainer->position = order[trainer->drawn++];
}

static uint32_t sample_label(const rt_trainer_t *trainer) {
  uint32_t slot = training_slots(trainer)[trainer->position];
  return rt_windows_head(&trainer->windows, slot)->label;
}

/* Leaves dL/dlogits, Q15, in the adapter's memory of base logits, which is returned. */
static const int32_t *find_loss(rt_trainer_t *trainer) {
  rt_adapter_t *adapter = trainer->adapter;
  uint32_t loss =
      rt_loss_cross_entropy(adapter->logits, adapter->plan->classes, sample_label(trainer),
                            &trainer->target, adapter->base_logits);
  trainer->loss_sum_q16 += loss < LOSS_LIMIT ? loss : LOSS_LIMIT;
  rt_groups_sample(adapter);
  return adapter->base_logits;
}

/* The gradients of all that is computed from the vector. */
static void learn(rt_trainer_t *trainer, const int8_t *vector, const int32_t *delta,
                  uint32_t *cycles) {
  rt_adapter_t *adapter = trainer->adapter;
  *cycles += adapter->kind->learn(adapter, vector, delta, &trainer->round_random);
}

#define WARM_UP_BITS 4

#define WARM_UP_SHARE 10u /* of a burst, at most */

/* Fused lora starts slowly, since it has to guess the norm of a sample's gradients from those of
 * former samples, and has none at first: the rate grows over the first 16 steps. Not in bursts so
 * short that nothing would be left. */
static uint32_t warms_up(const rt_trainer_t *trainer) {
  const rt_adapter_t *adapter = trainer->adapter;
  return trainer->step >> WARM_UP_BITS == 0 && !adapter->kind->cached &&
         trainer->params.steps >= (WARM_UP_SHARE << WARM_UP_BITS) && rt_groups_fused(adapter->plan);
}

static void begin_step(rt_trainer_t *trainer) {
  int32_t decay = rt_fixed_cosine_decay(trainer->step * trainer->stride_q32);
  if (warms_up(trainer)) decay = (decay * (int32_t)(trainer->step + 1u)) >> WARM_UP_BITS;
  rt_groups_step(trainer->adapter,
                 rt_real_rough(trainer->first_rate, rt_real_from_uint((uint32_t)decay, -15)));
}

static void begin_update(rt_trainer_t *trainer) {
  uint32_t batch = trainer->params.batch;
  uint32_t last = trainer->stopping || trainer->step + 1u == trainer->params.steps;
  trainer->loss_q16 = trainer->loss_sum_q16;
  if (batch > 1) trainer->loss_q16 = rt_fixed_divide(trainer->loss_sum_q16, batch);
  trainer->loss_sum_q16 = 0;
  trainer->in_batch = 0;
  trainer->phase = RT_PHASE_UPDATE;
  rt_groups_update_begin(trainer->adapter, &trainer->update, last);
}

static void end_sample(rt_trainer_t *trainer) {
  trainer->phase = RT_PHASE_SAMPLE;
  if (++trainer->in_batch == trainer->params.batch) begin_update(trainer);
}

static void sample_unit(rt_trainer_t *trainer, uint32_t *cycles) {
  if (wants_refresh(trainer)) {
    trainer->phase = RT_PHASE_REFRESH;
    return;
  }
  draw_sample(trainer);
  if (trainer->in_batch == 0) begin_step(trainer);
  if (!trainer->adapter->kind->cached) {
    trainer->phase = RT_PHASE_FORWARD;
    return;
  }
  const int8_t *vector = rt_train_cache_entry(trainer->adapter, trainer->position);
  rt_adapter_vector_logits(trainer->adapter, vector,
                           rt_train_cache_logits(trainer->adapter, trainer->position),
                           trainer->adapter->logits);
  learn(trainer, vector, find_loss(trainer), cycles);
  end_sample(trainer);
}

/* Lora's forward pass: from the cache, or else over a view of its own. */
static rt_status_t sample_forward_unit(rt_trainer_t *trainer, uint32_t *cycles) {
  if (!trainer->started && trainer->position < trainer->cached) {
    rt_train_cache_resume(trainer->adapter, trainer->position);
    trainer->started = 1;
    *cycles += rt_train_cache_values(trainer->adapter) * CYCLES_COPIED_VALUE;
    return RT_BUSY;
  }
  uint32_t slot = training_slots(trainer)[trainer->position];
  rt_status_t status = forward_unit(trainer, slot, trainer->params.views > 1, cycles);
  if (status != RT_OK) return status;
  /* The way back goes through the weights as they were, so they learn behind it. */
  const int32_t *delta = find_loss(trainer);
  rt_backward_begin(&trainer->backward, trainer->adapter, delta, &trainer->round_random);
  learn(trainer, trainer->adapter->vector, delta, cycles);
  trainer->phase = RT_PHASE_BACKWARD;
  return RT_BUSY;
}

static void backward_unit(rt_trainer_t *trainer, uint32_t *cycles) {
  rt_status_t status = rt_backward_run(&trainer->backward, &trainer->round_random, cycles);
  if (status == RT_OK) end_sample(trainer);
}

static rt_status_t update_unit(rt_trainer_t *trainer, uint32_t *cycles) {
  rt_status_t status =
      rt_groups_update_run(trainer->adapter, &trainer->update, &trainer->round_random, cycles);
  if (status == RT_BUSY) return RT_BUSY;
  trainer->step++;
  trainer->phase = RT_PHASE_SAMPLE;
  if (trainer->step < trainer->params.steps && !trainer->stopping) return RT_BUSY;
  trainer->phase = RT_PHASE_IDLE;
  trainer->adapter->training = 0;
  return RT_OK;
}

static rt_status_t train_unit(rt_trainer_t *trainer, uint32_t *cycles) {
  *cycles += CYCLES_OTHER;
  switch (trainer->phase) {
    case RT_PHASE_CACHE:
      return cache_unit(trainer, cycles);
    case RT_PHASE_REFRESH:
      return refresh_unit(trainer, cycles);
    case RT_PHASE_FORWARD:
      return sample_forward_unit(trainer, cycles);
    case RT_PHASE_SAMPLE:
      sample_unit(trainer, cycles);
      return RT_BUSY;
    case RT_PHASE_BACKWARD:
      backward_unit(trainer, cycles);
      return RT_BUSY;
    default:
      return update_unit(trainer, cycles);
  }
}

rt_status_t rt_train_run(rt_trainer_t *trainer, uint32_t budget_cycles) {
  if (trainer->phase == RT_PHASE_IDLE || trainer->phase == RT_PHASE_CHECK) return RT_ERROR_STATE;
  rt_status_t status = RT_BUSY;
  trainer->run_cycles = 0;
  do {
    status = train_unit(trainer, &trainer->run_cycles);
  } while (status == RT_BUSY && trainer->run_cycles < budget_cycles);
  return status;
}

/* ---- check ---- */

/* Exchanges the present adapter with the one from before the burst. */
static void swap_adapters(rt_trainer_t *trainer) {
  int8_t *a = trainer->adapter->exponents;
  int8_t *b = snapshot(trainer);
  for (uint32_t i = 0; i < trainer->adapter->plan->snapshot.bytes; i++) {
    int8_t swapped = a[i];
    a[i] = b[i];
    b[i] = swapped;
  }
}

rt_status_t rt_check_begin(rt_trainer_t *trainer, uint32_t purpose) {
  if (trainer->phase != RT_PHASE_IDLE) return RT_ERROR_STATE;
  if (purpose >= RT_WINDOW_PURPOSES) return RT_ERROR_ARGUMENT;
  if (rt_windows_count(&trainer->windows, purpose) == 0) return RT_ERROR_EMPTY;
  __builtin_memset(&trainer->check, 0, sizeof(trainer->check));
  trainer->check_purpose = purpose;
  trainer->check_pass = 0;
  trainer->check_index = 0;
  trainer->started = 0;
  trainer->adapter->enabled = 1;
  trainer->phase = RT_PHASE_CHECK;
  return RT_OK;
}

static void score_window(rt_trainer_t *trainer) {
  rt_adapter_t *adapter = trainer->adapter;
  rt_check_result_t *check = &trainer->check;
  uint32_t classes = adapter->plan->classes;
  uint32_t label = rt_windows_head(&trainer->windows, trainer->check_index)->label;
  uint32_t correct = rt_loss_argmax(adapter->logits, classes) == label;
  const rt_loss_target_t plain = {0, 0};
  uint32_t loss =
      rt_loss_cross_entropy(adapter->logits, classes, label, &plain, adapter->base_logits);
  if (loss > LOSS_LIMIT) loss = LOSS_LIMIT;
  if (trainer->check_pass == 0) {
    check->total++;
    check->after_correct += correct;
    check->after_loss_q16 += loss;
  } else {
    check->before_correct += correct;
    check->before_loss_q16 += loss;
  }
}

static rt_status_t end_pass(rt_trainer_t *trainer) {
  rt_check_result_t *check = &trainer->check;
  trainer->check_index = 0;
  if (!trainer->can_restore) { /* no burst yet: both are the present adapter */
    check->before_correct = check->after_correct;
    check->before_loss_q16 = check->after_loss_q16;
    trainer->check_pass = 1;
  } else {
    swap_adapters(trainer);
  }
  if (trainer->check_pass++ == 0) return RT_BUSY;
  check->before_loss_q16 = rt_fixed_divide(check->before_loss_q16, check->total);
  check->after_loss_q16 = rt_fixed_divide(check->after_loss_q16, check->total);
  trainer->phase = RT_PHASE_IDLE;
  return RT_OK;
}

static rt_status_t check_unit(rt_trainer_t *trainer, uint32_t *cycles) {
  uint32_t index = trainer->check_index;
  *cycles += CYCLES_OTHER;
  if (index == trainer->windows.count) return end_pass(trainer);
  if (rt_windows_head(&trainer->windows, index)->purpose == trainer->check_purpose) {
    rt_status_t status = forward_unit(trainer, index, 0, cycles);
    if (status != RT_OK) return status;
    score_window(trainer);
  }
  trainer->check_index++;
  return RT_BUSY;
}

rt_status_t rt_check_run(rt_trainer_t *trainer, uint32_t budget_cycles) {
  if (trainer->phase != RT_PHASE_CHECK) return RT_ERROR_STATE;
  rt_status_t status = RT_BUSY;
  trainer->run_cycles = 0;
  do {
    status = check_unit(trainer, &trainer->run_cycles);
  } while (status == RT_BUSY && trainer->run_cycles < budget_cycles);
  return status;
}
