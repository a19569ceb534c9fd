#include "services/learner.h"

rt_learner_t rt_learner;

int8_t *rt_learner_recent_input(uint32_t index) {
  return (int8_t *)rt_learner_setup->recent + index * rt_learner.input_bytes;
}

int8_t *rt_learner_input(void) {
  const rt_engine_t *engine = &rt_learner.engine;
  return rt_engine_tensor(engine, engine->model->input_tensor);
}

static uint8_t method_of(const rt_learner_model_t *model) {
  return model->model->adapter == NULL ? RT_LEARNER_METHOD_NONE
                                       : (uint8_t)model->model->adapter->method;
}

/* Kinds without matrices of low rank have rank 1. */
static uint8_t rank_of(const rt_learner_model_t *model) {
  const rt_adapter_plan_t *plan = model->model->adapter;
  return plan == NULL || plan->rank == 0 ? 1u : (uint8_t)plan->rank;
}

const rt_learner_model_t *rt_learner_find_model(uint8_t method, uint8_t rank) {
  const rt_learner_setup_t *setup = rt_learner_setup;
  /* Without an adapter every model is the same. */
  if (method == RT_LEARNER_METHOD_NONE) return &setup->models[0];
  for (uint32_t i = 0; i < setup->model_count; i++) {
    const rt_learner_model_t *model = &setup->models[i];
    if (method_of(model) != method) continue;
    if (rank == RT_LEARNER_ANY_RANK || rank_of(model) == rank) return model;
  }
  return NULL;
}

/* The window that the engine takes must be the one that features give. */
static rt_status_t bind_input(void) {
  const rt_model_t *model = rt_learner.engine.model;
  const rt_tensor_t *input = &model->tensors[model->input_tensor];
  const int32_t values = input->height * input->width * input->channels;
  if (values != RT_DSP_WINDOW_BYTES) return RT_ERROR_MODEL_LAYOUT;
  rt_learner.input_bytes = RT_DSP_WINDOW_BYTES;
  uint32_t capacity = rt_learner_setup->recent_bytes / RT_DSP_WINDOW_BYTES;
  if (capacity > RT_LEARNER_RECENT) capacity = RT_LEARNER_RECENT;
  rt_learner.recent_capacity = (uint8_t)capacity;
  return capacity == 0 ? RT_ERROR_ARENA_SIZE : RT_OK;
}

static rt_status_t bind_adapter(void) {
  if (rt_learner_setup->place_count == 0) return RT_ERROR_ARENA_SIZE;
  if (rt_learner.method == RT_LEARNER_METHOD_NONE) return RT_OK;
  rt_status_t status = rt_adapter_init(&rt_learner.adapter, &rt_learner.engine);
  if (status != RT_OK) return status;
  const rt_learner_setup_t *setup = rt_learner_setup;
  if (setup->place_count < rt_learner_place_count()) return RT_ERROR_ARENA_SIZE;
  return rt_trainer_init(&rt_learner.trainer, &rt_learner.adapter, setup->windows,
                         setup->windows_bytes);
}

static rt_status_t bind_features(const rt_learner_model_t *model) {
  const rt_learner_setup_t *setup = rt_learner_setup;
  const rt_dsp_status_t status = rt_dsp_init(&rt_learner.dsp, model->profile, setup->features,
                                             setup->features_bytes, RT_DSP_RING_SAMPLES);
  return status == RT_DSP_OK ? RT_OK : RT_ERROR_ARENA_SIZE;
}

rt_status_t rt_learner_bind(const rt_learner_model_t *model, uint8_t method) {
  rt_learner_t *learner = &rt_learner;
  const rt_learner_setup_t *setup = rt_learner_setup;
  learner->model = model;
  learner->method = method;
  learner->rank = method == RT_LEARNER_METHOD_NONE ? 1u : rank_of(model);
  learner->is_computing_features = learner->is_waiting = 0;
  learner->recent_count = learner->recent_next = 0;
  learner->job_count = learner->has_job_begun = 0;
  learner->is_training = 0;
  learner->owed_cycles = 0;
  learner->loss_q28 = 0;
  learner->burst = (rt_learner_burst_t){0};
  rt_status_t status =
      rt_engine_init(&learner->engine, model->model, setup->arena, setup->arena_bytes);
  if (status == RT_OK) status = bind_input();
  if (status == RT_OK) status = bind_adapter();
  if (status == RT_OK) rt_learner_forget_places();
  return status == RT_OK ? bind_features(model) : status;
}
