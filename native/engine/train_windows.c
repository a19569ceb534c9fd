#include "train_windows.h"

#include "fixed.h"

static const rt_tensor_t *input_tensor(const rt_model_t *model) {
  return &model->tensors[model->input_tensor];
}

static uint32_t input_bytes(const rt_model_t *model) {
  const rt_tensor_t *input = input_tensor(model);
  return (uint32_t)(input->height * input->width * input->channels);
}

uint32_t rt_windows_entry_bytes(const rt_model_t *model) {
  return (uint32_t)sizeof(rt_window_head_t) + ((input_bytes(model) + 3u) & ~3u);
}

rt_status_t rt_windows_init(rt_windows_t *windows, const rt_engine_t *engine, void *memory,
                            uint32_t bytes, uint32_t most) {
  if (((uintptr_t)memory & 3u) != 0) return RT_ERROR_ALIGNMENT;
  windows->engine = engine;
  windows->memory = memory;
  windows->entry_bytes = rt_windows_entry_bytes(engine->model);
  windows->capacity = 0;
  windows->count = 0;
  while (bytes >= windows->entry_bytes && windows->capacity < most) {
    bytes -= windows->entry_bytes;
    windows->capacity++;
  }
  return windows->capacity == 0 ? RT_ERROR_ARENA_SIZE : RT_OK;
}

void rt_windows_forget(rt_windows_t *windows) { windows->count = 0; }

rt_status_t rt_windows_remember(rt_windows_t *windows, uint32_t label, uint32_t purpose) {
  if (windows->count == windows->capacity) return RT_ERROR_FULL;
  rt_window_head_t *head = rt_windows_head(windows, windows->count);
  head->label = (uint16_t)label;
  head->purpose = (uint16_t)purpose;
  const rt_model_t *model = windows->engine->model;
  __builtin_memcpy(head + 1, rt_engine_tensor(windows->engine, model->input_tensor),
                   input_bytes(model));
  windows->count++;
  return RT_OK;
}

rt_status_t rt_windows_assign(rt_windows_t *windows, uint32_t index, uint32_t purpose) {
  if (index >= windows->count || purpose >= RT_WINDOW_PURPOSES) return RT_ERROR_ARGUMENT;
  rt_windows_head(windows, index)->purpose = (uint16_t)purpose;
  return RT_OK;
}

uint32_t rt_windows_count(const rt_windows_t *windows, uint32_t purpose) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < windows->count; i++) {
    if (rt_windows_head(windows, i)->purpose == purpose) count++;
  }
  return count;
}

/* ---- views ---- */

static int8_t jittered(int32_t value, const rt_windows_jitter_t *jitter, int32_t gain,
                       uint32_t *random) {
  value += gain;
  if (jitter->noise_q8 != 0) {
    value += (rt_fixed_random_normal(random, (int32_t)jitter->noise_q8) + 128) >> 8;
  }
  return (int8_t)(value > 127 ? 127 : (value < -128 ? -128 : value));
}

/* Uniform over -most..most. */
static int32_t random_offset(uint32_t *random, uint32_t most) {
  if (most == 0) return 0;
  return (int32_t)rt_fixed_random_below(random, 2u * most + 1u) - (int32_t)most;
}

void rt_windows_show(const rt_windows_t *windows, uint32_t index, const rt_windows_jitter_t *jitter,
                     uint32_t *random) {
  const rt_model_t *model = windows->engine->model;
  const rt_tensor_t *input = input_tensor(model);
  const int8_t *from = rt_windows_values(windows, index);
  int8_t *to = rt_engine_tensor(windows->engine, model->input_tensor);
  if (jitter == 0) {
    __builtin_memcpy(to, from, input_bytes(model));
    return;
  }
  int32_t columns = input->width * input->channels;
  int32_t shift = random_offset(random, jitter->shift_rows);
  int32_t gain = random_offset(random, jitter->gain);
  for (int32_t row = 0; row < input->height; row++) {
    int32_t source = row - shift;
    if (source < 0) source += input->height;
    if (source >= input->height) source -= input->height;
    for (int32_t column = 0; column < columns; column++) {
      int32_t value = from[source * columns + column];
      *to++ = jittered(value, jitter, column == 0 ? gain : 0, random);
    }
  }
}
