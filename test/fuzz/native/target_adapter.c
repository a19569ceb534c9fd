/*
 * Saved adapters: refused ones leave the present one as it is, accepted ones can be run and saved
 * again as they were. Input: 1 byte of choices, then the blob.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/adapter_blob.h"
#include "fuzz.h"
#include "targets.h"

#define CHOICE_CHECKSUM 0x10u /* put a right checksum in */
#define CHOICE_HEADER 0x20u   /* put a right header in */

static void *exactly(size_t bytes) {
  void *memory = malloc(bytes == 0 ? 1 : bytes);
  if (memory == NULL) abort();
  memset(memory, 0x5a, bytes);
  return memory;
}

typedef struct {
  rt_engine_t engine;
  rt_adapter_t adapter;
  void *arena;
} device_t;

static void start(device_t *device, const rt_model_t *model) {
  device->arena = exactly(model->arena_bytes);
  FUZZ_CHECK(rt_engine_init(&device->engine, model, device->arena, model->arena_bytes) == RT_OK);
  FUZZ_CHECK(rt_adapter_init(&device->adapter, &device->engine) == RT_OK);
  rt_adapter_reset(&device->adapter, 7);
}

static void put32(uint8_t *at, uint32_t value) {
  for (uint32_t i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (8 * i));
}

/* So that damage reaches what lies behind the checks. */
static void repair(const rt_adapter_t *adapter, uint8_t *blob, size_t size, uint32_t choices) {
  uint8_t header[RT_BLOB_HEADER_BYTES];
  if (size < sizeof header) return;
  rt_blob_header(adapter, header);
  if (choices & CHOICE_HEADER) memcpy(blob, header, sizeof header - 4u);
  const uint32_t crc = rt_blob_crc32(0, blob, RT_BLOB_HEADER_BYTES - 4u);
  put32(blob + 20, rt_blob_crc32(crc, blob + sizeof header, (uint32_t)(size - sizeof header)));
}

static void load(device_t *device, const uint8_t *blob, size_t size) {
  const size_t bytes = rt_blob_bytes(&device->adapter);
  uint8_t *before = exactly(bytes), *after = exactly(bytes);
  FUZZ_CHECK(rt_blob_save(&device->adapter, before, (uint32_t)bytes) == RT_OK);
  FUZZ_CHECK(rt_blob_save(&device->adapter, after, (uint32_t)bytes - 1u) == RT_ERROR_ARGUMENT);
  const rt_status_t verified = rt_blob_verify(&device->adapter, blob, (uint32_t)size);
  const rt_status_t loaded = rt_blob_load(&device->adapter, blob, (uint32_t)size);
  FUZZ_CHECK(verified == loaded);
  FUZZ_CHECK(rt_blob_save(&device->adapter, after, (uint32_t)bytes) == RT_OK);
  if (loaded == RT_OK) {
    FUZZ_CHECK(size == bytes && memcmp(after, blob, bytes) == 0);
  } else {
    FUZZ_CHECK(memcmp(after, before, bytes) == 0);
  }
  const rt_tensor_t *input = &device->engine.model->tensors[device->engine.model->input_tensor];
  memset(rt_engine_tensor(&device->engine, device->engine.model->input_tensor), 17,
         (size_t)(input->height * input->width * input->channels));
  FUZZ_CHECK(rt_engine_infer(&device->engine) == RT_OK);
  free(before);
  free(after);
}

void fuzz_adapter(const uint8_t *data, size_t size) {
  if (size == 0) return;
  const rt_learner_setup_t *setup = fuzz_learner_setup();
  const uint32_t choices = data[0];
  device_t device;
  start(&device, setup->models[(choices & 0xfu) % setup->model_count].model);
  uint8_t *blob = exactly(size - 1);
  memcpy(blob, data + 1, size - 1);
  if (choices & CHOICE_CHECKSUM) repair(&device.adapter, blob, size - 1, choices);
  load(&device, blob, size - 1);
  free(blob);
  free(device.arena);
}
