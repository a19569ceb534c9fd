/*
 * The whole life of an adapter on the digits model under sanitizers, for each kind: windows, a
 * burst in slices, check, restore, saved and damaged blobs. Arena and windows have exactly their
 * size. Accuracy and gradients are tested in test/training; here it is memory and undefined
 * behaviour.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/adapter_blob.h"
#include "engine/train.h"
#include "harness.h"

extern const rt_model_t rt_model_head;
extern const rt_model_t rt_model_skip;
extern const rt_model_t rt_model_lora;
extern const rt_model_t rt_model_low_rank;
extern const rt_model_t rt_model_momentum;

#define WINDOWS 12

typedef struct {
  rt_engine_t engine;
  rt_adapter_t adapter;
  rt_trainer_t trainer;
  int8_t *arena;
  uint8_t *windows;
} device_t;

static void *exactly(uint32_t bytes) {
  void *p = malloc(bytes);
  if (!p) abort();
  memset(p, 0x5a, bytes);
  return p;
}

static uint32_t input_bytes(const device_t *d) {
  const rt_tensor_t *t = &d->engine.model->tensors[d->engine.model->input_tensor];
  return (uint32_t)(t->height * t->width * t->channels);
}

/* Input of a class: a pattern of its own in noise. */
static void listen(device_t *d, int32_t label, int32_t noise) {
  int8_t *x = rt_engine_tensor(&d->engine, d->engine.model->input_tensor);
  for (int32_t i = 0; i < (int32_t)input_bytes(d); i++) {
    const int32_t pattern = ((i * (2 * label + 3)) % 23 - 11) * 6;
    x[i] = (int8_t)(pattern / 2 + rt_test_between(-noise, noise));
  }
}

static void start(device_t *d, const rt_model_t *model) {
  const uint32_t bytes = WINDOWS * rt_windows_entry_bytes(model);
  d->arena = exactly(model->arena_bytes);
  d->windows = exactly(bytes);
  CHECK(rt_engine_init(&d->engine, model, d->arena, model->arena_bytes) == RT_OK);
  CHECK(rt_adapter_init(&d->adapter, &d->engine) == RT_OK);
  CHECK(rt_trainer_init(&d->trainer, &d->adapter, d->windows, bytes) == RT_OK);
}

static void remember_all(device_t *d) {
  rt_train_params_t params;
  rt_train_defaults(&d->adapter, &params);
  CHECK(rt_train_begin(&d->trainer, &params) == RT_ERROR_EMPTY);
  for (int32_t i = 0; i < WINDOWS; i++) {
    listen(d, i % 4, 20);
    CHECK(rt_engine_infer(&d->engine) == RT_OK);
    CHECK(rt_train_remember(&d->trainer, (uint32_t)(i % 4),
                            i < 8 ? RT_WINDOW_TRAIN : RT_WINDOW_HELD_OUT) == RT_OK);
  }
  CHECK(rt_train_remember(&d->trainer, 0, RT_WINDOW_TRAIN) == RT_ERROR_FULL);
  CHECK(rt_train_remember(&d->trainer, 10, RT_WINDOW_TRAIN) == RT_ERROR_ARGUMENT);
}

/* A burst in slices of `budget`; returns the loss of its last step. */
static uint32_t burst(device_t *d, uint32_t steps, uint32_t budget) {
  rt_train_params_t params;
  rt_train_defaults(&d->adapter, &params);
  params.steps = steps;
  params.batch = 2;
  CHECK(rt_train_begin(&d->trainer, &params) == RT_OK);
  CHECK(rt_train_begin(&d->trainer, &params) == RT_ERROR_STATE);
  rt_status_t status;
  do {
    status = rt_train_run(&d->trainer, budget);
  } while (status == RT_BUSY);
  CHECK(status == RT_OK);
  CHECK(d->trainer.step == steps);
  return d->trainer.loss_q16;
}

static void check_all(device_t *d) {
  CHECK(rt_check_begin(&d->trainer, RT_WINDOW_HELD_OUT) == RT_OK);
  rt_status_t status;
  do {
    status = rt_check_run(&d->trainer, 100000);
  } while (status == RT_BUSY);
  CHECK(status == RT_OK);
  CHECK(d->trainer.check.total == WINDOWS - 8);
  CHECK(d->trainer.check.after_loss_q16 < d->trainer.check.before_loss_q16);
}

static void check_blobs(device_t *d) {
  const uint32_t bytes = rt_blob_bytes(&d->adapter);
  uint8_t *blob = exactly(bytes);
  uint8_t *again = exactly(bytes);
  CHECK(bytes <= 4096);
  CHECK(rt_blob_save(&d->adapter, blob, bytes - 1) == RT_ERROR_ARGUMENT);
  CHECK(rt_blob_save(&d->adapter, blob, bytes) == RT_OK);
  for (uint32_t i = 0; i < 400; i++) {
    const uint32_t at = rt_test_random() % bytes;
    const uint8_t bit = (uint8_t)(1u << (rt_test_random() % 8));
    blob[at] ^= bit;
    CHECK(rt_blob_load(&d->adapter, blob, bytes) < 0);
    blob[at] ^= bit;
    CHECK(rt_blob_load(&d->adapter, blob, rt_test_random() % bytes) < 0);
  }
  CHECK(rt_blob_save(&d->adapter, again, bytes) == RT_OK);
  CHECK(memcmp(blob, again, bytes) == 0);
  rt_adapter_reset(&d->adapter, 7);
  CHECK(rt_blob_load(&d->adapter, blob, bytes) == RT_OK);
  CHECK(rt_blob_save(&d->adapter, again, bytes) == RT_OK);
  CHECK(memcmp(blob, again, bytes) == 0);
  free(blob);
  free(again);
}

static void stop(device_t *d) {
  free(d->arena);
  free(d->windows);
}

static void whole_life(const rt_model_t *model, uint32_t steps) {
  device_t a, b;
  start(&a, model);
  start(&b, model);
  rt_test_seed(99);
  remember_all(&a);
  rt_test_seed(99);
  remember_all(&b);
  const uint32_t loss = burst(&a, steps, 20000);
  CHECK(burst(&b, steps, 0xffffffffu) == loss);
  check_all(&a);
  check_blobs(&a);
  CHECK(rt_train_restore(&a.trainer) == RT_OK);
  CHECK(rt_train_forget(&a.trainer) == RT_OK);
  CHECK(rt_check_begin(&a.trainer, RT_WINDOW_HELD_OUT) == RT_ERROR_EMPTY);
  stop(&a);
  stop(&b);
}

static uint8_t *saved(const device_t *d) {
  const uint32_t bytes = rt_blob_bytes(&d->adapter);
  uint8_t *blob = exactly(bytes);
  CHECK(rt_blob_save(&d->adapter, blob, bytes) == RT_OK);
  return blob;
}

/* What is learnt in one place leaves the others as they are. */
static void change_places(const rt_model_t *model, uint32_t steps) {
  device_t d;
  start(&d, model);
  remember_all(&d);
  const uint32_t bytes = rt_blob_bytes(&d.adapter), count = model->adapter->place_count;
  CHECK(count == 3 && d.adapter.place == 0);
  uint8_t *const base = saved(&d);
  burst(&d, steps, 20000);
  uint8_t *const first = saved(&d);
  CHECK(memcmp(base, first, bytes) != 0);
  CHECK(rt_adapter_use(&d.adapter, count) == RT_ERROR_ARGUMENT);
  CHECK(d.adapter.place == 0);
  for (uint32_t place = 1; place < count; place++) {
    CHECK(rt_adapter_use(&d.adapter, place) == RT_OK);
    uint8_t *const untouched = saved(&d);
    CHECK(memcmp(base, untouched, bytes) == 0);
    free(untouched);
  }
  burst(&d, steps / 2u, 20000); /* in the last place */
  uint8_t *const last = saved(&d);
  CHECK(memcmp(first, last, bytes) != 0);
  CHECK(rt_blob_load_into(&d.adapter, 1, last, bytes) == RT_OK);
  CHECK(rt_blob_load_into(&d.adapter, 1, last, bytes - 1u) < 0);
  CHECK(rt_blob_load_into(&d.adapter, count, last, bytes) == RT_ERROR_ARGUMENT);
  const uint8_t *const expected[3] = {first, last, last};
  for (uint32_t place = 0; place < count; place++) {
    CHECK(rt_adapter_use(&d.adapter, place) == RT_OK);
    uint8_t *const found = saved(&d);
    CHECK(memcmp(expected[place], found, bytes) == 0);
    free(found);
  }
  free(base);
  free(first);
  free(last);
  stop(&d);
}

void rt_test_training(void) {
  change_places(&rt_model_head, 20);
  change_places(&rt_model_skip, 20);
  change_places(&rt_model_lora, 6);
  whole_life(&rt_model_head, 40);
  whole_life(&rt_model_skip, 40);
  whole_life(&rt_model_lora, 12);
  whole_life(&rt_model_low_rank, 40);
  whole_life(&rt_model_momentum, 40);
}
