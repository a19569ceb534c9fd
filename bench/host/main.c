/*
 * A model on this computer: compiled with the tables of one model by bench/host.ts.
 *
 *   infer COUNT                    stdin: inputs; stdout: outputs
 *   train STEPS WINDOWS            stdin: windows, labelled 0, 1, ...; stdout: the saved adapter
 *
 * Memory is allocated, since a program of this computer does one thing and ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/adapter_blob.h"
#include "engine/train.h"

#define BURST_SLICE_CYCLES 0x7fffffffu

extern const rt_model_t rt_model;

static void *allocate(uint32_t bytes) {
  void *p = calloc(1, bytes);
  if (!p) abort();
  return p;
}

static uint32_t tensor_bytes(uint32_t index) {
  const rt_tensor_t *t = &rt_model.tensors[index];
  return (uint32_t)(t->height * t->width * t->channels);
}

/* Reads the next window into the input tensor. */
static int show(rt_engine_t *engine) {
  const uint32_t bytes = tensor_bytes(rt_model.input_tensor);
  return fread(rt_engine_tensor(engine, rt_model.input_tensor), 1, bytes, stdin) == bytes;
}

static int infer(rt_engine_t *engine, uint32_t count) {
  const uint32_t bytes = tensor_bytes(rt_model.output_tensor);
  for (uint32_t i = 0; i < count; i++) {
    if (!show(engine) || rt_engine_infer(engine) != RT_OK) return 1;
    fwrite(rt_engine_tensor(engine, rt_model.output_tensor), 1, bytes, stdout);
  }
  return 0;
}

static int save(const rt_adapter_t *adapter) {
  const uint32_t bytes = rt_blob_bytes(adapter);
  uint8_t *blob = allocate(bytes);
  if (rt_blob_save(adapter, blob, bytes) != RT_OK) return 1;
  fwrite(blob, 1, bytes, stdout);
  free(blob);
  return 0;
}

/* A burst of batch 1 on the windows as they are. */
static int train(rt_engine_t *engine, uint32_t steps, uint32_t windows) {
  rt_adapter_t adapter;
  rt_trainer_t trainer;
  rt_train_params_t params;
  if (rt_adapter_init(&adapter, engine) != RT_OK) return 1;
  const uint32_t bytes = adapter.plan->windows * rt_windows_entry_bytes(&rt_model);
  if (rt_trainer_init(&trainer, &adapter, allocate(bytes), bytes) != RT_OK) return 1;
  const uint32_t classes = tensor_bytes(rt_model.output_tensor);
  for (uint32_t i = 0; i < windows; i++) {
    if (!show(engine)) return 1;
    if (rt_train_remember(&trainer, i % classes, RT_WINDOW_TRAIN) != RT_OK) return 1;
  }
  rt_train_defaults(&adapter, &params);
  params.steps = steps;
  params.batch = 1;
  params.views = 1;
  rt_status_t status = rt_train_begin(&trainer, &params);
  if (status == RT_OK) status = RT_BUSY;
  while (status == RT_BUSY) status = rt_train_run(&trainer, BURST_SLICE_CYCLES);
  return status == RT_OK ? save(&adapter) : 1;
}

int main(int argc, char **argv) {
  rt_engine_t engine;
  void *arena = allocate(rt_model.arena_bytes);
  if (rt_engine_init(&engine, &rt_model, arena, rt_model.arena_bytes) != RT_OK) return 1;
  if (argc == 3 && strcmp(argv[1], "infer") == 0) {
    return infer(&engine, (uint32_t)strtoul(argv[2], NULL, 10));
  }
  if (argc == 4 && strcmp(argv[1], "train") == 0) {
    const uint32_t windows = (uint32_t)strtoul(argv[3], NULL, 10);
    return train(&engine, (uint32_t)strtoul(argv[2], NULL, 10), windows);
  }
  return 2;
}
