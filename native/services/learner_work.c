/* What takes time, in slices: features, inference, checks, and training when nothing else waits. */
#include "hal/hal.h"
#include "services/learner.h"
#include "services/learner_codes.h"

/* Longest stretch of work, but for training (register slice) and single units of it. */
#define SLICES_PER_SECOND 100u
#define PROGRESS_REPORTS 20u
/* Share of the newest loss in the mean that is reported: 2^-2. */
#define LOSS_SHIFT 2

static void spend(uint64_t cycles) {
  rt_learner.cycles += cycles;
  while (cycles > UINT32_MAX) {
    rt_hal_spent(UINT32_MAX);
    cycles -= UINT32_MAX;
  }
  rt_hal_spent((uint32_t)cycles);
}

static uint32_t slice_cycles(void) { return rt_board.clock_hz / SLICES_PER_SECOND; }

uint32_t rt_learner_joules_q15(uint64_t cycles) {
  const uint64_t clock = rt_board.clock_hz;
  const uint64_t microwatts_q15 = (uint64_t)rt_board.active_microwatts << 15;
  const uint64_t microjoules_q15 =
      cycles / clock * microwatts_q15 + cycles % clock * microwatts_q15 / clock;
  return (uint32_t)((microjoules_q15 + 500000u) / 1000000u);
}

/* ---- windows ---- */

uint32_t rt_learner_find_recent(uint32_t number) {
  const rt_learner_t *learner = &rt_learner;
  for (uint32_t back = 1; back <= learner->recent_count; back++) {
    uint32_t index = learner->recent_next + learner->recent_capacity - back;
    if (index >= learner->recent_capacity) index -= learner->recent_capacity;
    if (number == 0 || learner->recent_number[index] == number) return index;
  }
  return RT_LEARNER_RECENT;
}

uint32_t rt_learner_deliver(const rt_capture_window_t *window) {
  rt_learner_t *learner = &rt_learner;
  if (!rt_learner_settings.enabled) return 1;
  if (learner->is_waiting) return 0;
  learner->is_waiting = 1;
  learner->window = *window;
  learner->pushed = 0;
  learner->is_computing_features = 1;
  rt_dsp_begin_clip(&learner->dsp);
  /* Its turn comes behind what was asked for before, and before what is asked for from now on: a
   * change of place, for one. There is room: is_waiting lets no second window in. */
  rt_learner_queue(RT_JOB_WINDOW);
  return 1;
}

/* The oldest recent window gives way: an inference under way reads one of the last two. */
static void keep_window(void) {
  rt_learner_t *learner = &rt_learner;
  const uint32_t index = learner->recent_next;
  rt_dsp_end_clip(&learner->dsp, learner->window.peak, learner->model->quant,
                  rt_learner_recent_input(index));
  learner->recent_number[index] = learner->window.number;
  learner->recent_next = (uint8_t)(index + 1u < learner->recent_capacity ? index + 1u : 0);
  if (learner->recent_count < learner->recent_capacity) learner->recent_count++;
}

static void features_slice(void) {
  rt_learner_t *learner = &rt_learner;
  const rt_learner_model_t *model = learner->model;
  const uint32_t hop = model->profile->hop_samples;
  uint32_t cycles = 0;
  while (learner->pushed < learner->window.samples && cycles < slice_cycles()) {
    const int16_t *samples;
    uint32_t count = rt_capture_span(&learner->window, learner->pushed, &samples);
    if (count > hop) count = hop;
    const uint32_t frames = rt_dsp_push(&learner->dsp, samples, count);
    learner->pushed += count;
    cycles += count * model->sample_cycles + frames * model->frame_cycles;
  }
  if (learner->pushed == learner->window.samples) {
    keep_window();
    cycles += model->window_cycles;
    learner->is_computing_features = 0;
  }
  spend(cycles);
}

/* ---- jobs ---- */

/* The last place is kept free for a window. */
rt_status_t rt_learner_queue(rt_learner_job_t job) {
  rt_learner_t *learner = &rt_learner;
  const uint32_t room = RT_LEARNER_JOBS - (job == RT_JOB_WINDOW ? 0u : 1u);
  if (learner->job_count >= room) return RT_ERROR_FULL;
  learner->jobs[learner->job_count++] = (uint8_t)job;
  rt_service_wake(learner->service);
  return RT_OK;
}

static void end_job(void) {
  rt_learner_t *learner = &rt_learner;
  learner->job_count--;
  for (uint32_t i = 0; i < learner->job_count; i++) learner->jobs[i] = learner->jobs[i + 1u];
  learner->has_job_begun = 0;
}

uint32_t rt_learner_has_job(rt_learner_job_t job) {
  for (uint32_t i = 0; i < rt_learner.job_count; i++) {
    if (rt_learner.jobs[i] == job) return 1;
  }
  return 0;
}

/* Whether the job at work is an inference. */
static uint32_t is_inferring(void) {
  const uint8_t job = rt_learner.jobs[0];
  return rt_learner.has_job_begun && (job == RT_JOB_WINDOW || job == RT_JOB_INFER);
}

void rt_learner_restart_inference(void) {
  if (is_inferring()) rt_learner.has_job_begun = 0;
}

void rt_learner_show_input(void) {
  const rt_learner_t *learner = &rt_learner;
  if (!is_inferring()) return;
  __builtin_memcpy(rt_learner_input(), rt_learner_recent_input(learner->job_recent),
                   learner->input_bytes);
}

/* An inference would disturb a step that is half done: that is finished first. Returns 1 when the
 * arena is free. */
static uint32_t free_arena(void) {
  rt_learner_t *learner = &rt_learner;
  uint32_t cycles = 0;
  while (learner->is_training && rt_train_owns_arena(&learner->trainer)) {
    if (cycles >= slice_cycles()) break;
    learner->is_training = rt_train_run(&learner->trainer, 1) == RT_BUSY;
    cycles += learner->trainer.run_cycles;
  }
  learner->owed_cycles += cycles;
  if (cycles > 0) spend(cycles);
  return !learner->is_training || !rt_train_owns_arena(&learner->trainer);
}

/* ---- inference ---- */

static void begin_inference(void) {
  rt_learner_t *learner = &rt_learner;
  learner->job_recent = (uint8_t)rt_learner_find_recent(0);
  learner->has_job_begun = 1;
  rt_learner_show_input();
  rt_engine_begin(&learner->engine);
}

static uint32_t row_cycles(uint32_t layer) {
  return rt_learner_has_adapter() ? rt_adapter_row_cycles(&rt_learner.adapter, layer)
                                  : rt_engine_row_cycles(&rt_learner.engine, layer);
}

/*
 * Logits of a model without adapter: the int8 values before the softmax. They lie in the memory of
 * the features, which are never under way while an inference ends.
 */
static uint32_t plain_logits(int32_t **logits) {
  const rt_engine_t *engine = &rt_learner.engine;
  const rt_model_t *model = engine->model;
  const rt_layer_t *last = &model->layers[model->layer_count - 1u];
  const uint32_t index = last->op == RT_OP_SOFTMAX ? last->input : model->output_tensor;
  const rt_tensor_t *tensor = &model->tensors[index];
  const int8_t *values = rt_engine_tensor(engine, index);
  const uint32_t room = rt_learner_setup->features_bytes / sizeof(int32_t);
  uint32_t classes = (uint32_t)(tensor->height * tensor->width * tensor->channels);
  if (classes > room) classes = room;
  const rt_real_t scale_q16 = rt_real_shift(tensor->scale, 16);
  *logits = rt_learner_setup->features;
  for (uint32_t c = 0; c < classes; c++) {
    (*logits)[c] = rt_real_apply(scale_q16, values[c] - tensor->zero_point);
  }
  return classes;
}

static void read_prediction(rt_prediction_t *prediction) {
  const rt_learner_t *learner = &rt_learner;
  const rt_model_t *model = learner->engine.model;
  const rt_tensor_t *input = &model->tensors[model->input_tensor];
  if (rt_learner_has_adapter()) {
    rt_prediction_from_logits(learner->adapter.logits, learner->adapter.plan->classes, prediction);
  } else {
    int32_t *logits;
    const uint32_t classes = plain_logits(&logits);
    rt_prediction_from_logits(logits, classes, prediction);
  }
  prediction->window = learner->recent_number[learner->job_recent];
  prediction->shift_q12 = rt_prediction_shift(rt_learner_recent_input(learner->job_recent),
                                              input->scale, input->zero_point);
}

/* What the bus has no room for is sent from a later poll: scripts wait for it. Returns 1 then. */
static uint32_t is_held_back(rt_status_t sent) {
  rt_learner.is_held_back = sent == RT_ERROR_FULL;
  return rt_learner.is_held_back;
}

static void end_inference(void) {
  rt_learner_t *learner = &rt_learner;
  rt_prediction_t prediction;
  uint8_t payload[RT_PREDICTION_BYTES];
  rt_status_t sent;
  read_prediction(&prediction);
  rt_prediction_pack(&prediction, payload);
  if (learner->jobs[0] == RT_JOB_INFER) {
    sent = rt_service_report(learner->service, COMMAND_INFER, payload, sizeof payload);
  } else {
    sent = rt_service_event(learner->service, EVENT_PREDICTION, payload, sizeof payload);
  }
  if (is_held_back(sent)) return;
  if (learner->jobs[0] == RT_JOB_WINDOW) {
    learner->is_waiting = 0;
    learner->last = prediction;
  }
  end_job();
}

static uint32_t is_inference_complete(void) {
  return rt_learner.engine.layer == rt_learner.engine.model->layer_count;
}

static void inference_slice(void) {
  rt_learner_t *learner = &rt_learner;
  if (!learner->has_job_begun) {
    if (!free_arena()) return;
    begin_inference();
  }
  uint32_t cycles = 0;
  while (!is_inference_complete() && cycles < slice_cycles()) {
    cycles += row_cycles(learner->engine.layer);
    rt_engine_run(&learner->engine, 1); /* a row is the least it does */
  }
  spend(cycles);
  if (is_inference_complete()) end_inference();
}

/* ---- checks ---- */

static void report_check(rt_learner_status_t status) {
  const rt_check_result_t *check = &rt_learner.trainer.check;
  uint8_t payload[16] = {0};
  const uint16_t counts[4] = {(uint16_t)status, (uint16_t)check->total,
                              (uint16_t)check->before_correct, (uint16_t)check->after_correct};
  const uint32_t losses_q12[2] = {(check->before_loss_q16 + 8u) >> 4,
                                  (check->after_loss_q16 + 8u) >> 4};
  if (status == RT_LEARNER_OK) {
    __builtin_memcpy(payload, counts, sizeof counts);
    __builtin_memcpy(payload + sizeof counts, losses_q12, sizeof losses_q12);
  } else {
    __builtin_memcpy(payload, counts, sizeof counts[0]);
  }
  rt_status_t sent = rt_service_report(rt_learner.service, COMMAND_CHECK, payload, sizeof payload);
  if (!is_held_back(sent)) end_job();
}

static void check_slice(void) {
  rt_learner_t *learner = &rt_learner;
  if (!learner->has_job_begun) {
    if (rt_check_begin(&learner->trainer, RT_WINDOW_HELD_OUT) != RT_OK) {
      report_check(RT_LEARNER_NO_SAMPLES);
      return;
    }
    learner->has_job_begun = 1;
  }
  rt_status_t status = RT_OK;
  if (learner->trainer.phase == RT_PHASE_CHECK) { /* else all but the report is done */
    status = rt_check_run(&learner->trainer, slice_cycles());
    spend(learner->trainer.run_cycles);
  }
  if (status == RT_BUSY) return;
  rt_learner_checked(&learner->trainer.check);
  report_check(RT_LEARNER_OK);
}

/* ---- changes of place ---- */

/* Jobs are done one after another, so no inference is under way here. */
static void swap_slice(void) {
  rt_learner_t *learner = &rt_learner;
  uint8_t payload[3] = {RT_LEARNER_OK, 0, learner->swap_place};
  if (!learner->has_job_begun) {
    rt_learner_do_swap();
    learner->has_job_begun = 1; /* else all but the report is done */
  }
  const rt_status_t sent =
      rt_service_report(learner->service, COMMAND_SWAP, payload, sizeof payload);
  if (!is_held_back(sent)) end_job();
}

static void job_slice(void) {
  switch (rt_learner.jobs[0]) {
    case RT_JOB_CHECK:
      check_slice();
      break;
    case RT_JOB_SWAP:
      swap_slice();
      break;
    default:
      inference_slice();
      break;
  }
}

/* ---- training ---- */

static uint32_t loss_q12(void) { return (rt_learner.loss_q28 + (1u << 15)) >> 16; }

static void note_loss(void) {
  const uint32_t loss_q16 = rt_learner.trainer.loss_q16;
  const uint32_t newest = loss_q16 < 0xfffffu ? loss_q16 << 12 : 0xfffff000u;
  uint32_t *mean = &rt_learner.loss_q28;
  if (*mean == 0) {
    *mean = newest;
  } else {
    *mean = (uint32_t)((int64_t)*mean + (((int64_t)newest - (int64_t)*mean) >> LOSS_SHIFT));
  }
}

/* Fields of training_progress and training_done: two counts, loss, energy. */
static rt_status_t send_burst_event(uint8_t event, uint32_t first, uint32_t second) {
  const uint16_t counts[2] = {(uint16_t)first, (uint16_t)second};
  const uint32_t values[2] = {loss_q12(), rt_learner_joules_q15(rt_learner.burst.cycles)};
  uint8_t payload[12];
  __builtin_memcpy(payload, counts, sizeof counts);
  __builtin_memcpy(payload + sizeof counts, values, sizeof values);
  return rt_service_event(rt_learner.service, event, payload, sizeof payload);
}

static void report_progress(void) {
  rt_learner_burst_t *burst = &rt_learner.burst;
  const uint32_t due = rt_learner.trainer.step * PROGRESS_REPORTS / burst->steps;
  if (due <= burst->reported) return;
  burst->reported = due;
  send_burst_event(EVENT_TRAINING_PROGRESS, rt_learner.trainer.step, burst->steps);
}

/* A burst that ends early finishes its present step; that is not in its report. */
static void finish_slice(void) {
  rt_learner_t *learner = &rt_learner;
  rt_learner_burst_t *burst = &learner->burst;
  if (learner->is_training) {
    rt_train_stop(&learner->trainer);
    learner->is_training = rt_train_run(&learner->trainer, slice_cycles()) == RT_BUSY;
    spend(learner->trainer.run_cycles);
    if (learner->is_training) return;
  }
  const rt_status_t sent = send_burst_event(EVENT_TRAINING_DONE, burst->end - 1u, burst->step);
  if (!is_held_back(sent)) burst->is_running = 0;
}

static void end_training_slice(void) {
  rt_learner_burst_t *burst = &rt_learner.burst;
  if (!rt_learner.is_training) {
    burst->end = RT_LEARNER_END_STEPS;
  } else if (burst->is_stopping) {
    burst->end = RT_LEARNER_END_STOPPED;
  } else if (burst->cycles >= burst->budget_cycles) {
    burst->end = RT_LEARNER_END_BUDGET;
  }
  burst->step = rt_learner.trainer.step;
  if (burst->end == RT_LEARNER_GOES_ON) report_progress();
}

static uint32_t training_slice_cycles(void) {
  const uint64_t cycles = (uint64_t)rt_learner_settings.slice_us * rt_board.clock_hz / 1000000u;
  return cycles < 0x7fffffffu ? (uint32_t)cycles : 0x7fffffffu;
}

static void training_slice(void) {
  rt_learner_t *learner = &rt_learner;
  if (learner->burst.end != RT_LEARNER_GOES_ON) {
    finish_slice();
    return;
  }
  learner->burst.cycles += learner->owed_cycles;
  learner->owed_cycles = 0;
  if (learner->is_training) {
    learner->is_training = rt_train_run(&learner->trainer, training_slice_cycles()) == RT_BUSY;
    learner->burst.cycles += learner->trainer.run_cycles;
    spend(learner->trainer.run_cycles);
  }
  note_loss();
  end_training_slice();
  if (learner->burst.end != RT_LEARNER_GOES_ON && !learner->is_training) finish_slice();
}

/* ---- all of it ---- */

uint32_t rt_learner_work(void) {
  rt_learner_t *learner = &rt_learner;
  learner->is_held_back = 0;
  if (learner->is_computing_features) {
    features_slice();
  } else if (learner->job_count > 0) {
    job_slice();
  } else if (learner->burst.is_running) {
    training_slice();
  }
  return learner->is_computing_features || learner->job_count > 0 || learner->burst.is_running;
}
