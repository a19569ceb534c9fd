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

/* Columns with a deviation of their own; further ones share the last. */
#define COLUMNS_MAX 64

/* A view's random choices. */
typedef struct {
  int32_t rows, columns;
  int32_t shift;
  int32_t ratio_q12; /* source rows a row of the view */
  int32_t gain;
  int32_t lowest;                 /* level */
  int32_t quiet, first, last;     /* rows: the quietest, and the range that is kept */
  uint16_t noise_q8[COLUMNS_MAX]; /* standard deviation, 1/256 steps of the input */
} view_t;

/* Uniform over -most..most. */
static int32_t random_offset(uint32_t *random, uint32_t most) {
  if (most == 0) return 0;
  return (int32_t)rt_fixed_random_below(random, 2u * most + 1u) - (int32_t)most;
}

/* Deviation of a column in 1/256 steps: 5/4 of the mean distance from the mean, which is the
 * standard deviation of normal values. */
static uint32_t column_deviation_q8(const view_t *view, const int8_t *values, int32_t column) {
  uint32_t rows = (uint32_t)view->rows, sum = 0, distance = 0;
  for (int32_t row = 0; row < view->rows; row++) {
    sum += (uint32_t)(values[row * view->columns + column] + 128);
  }
  int32_t mean = (int32_t)rt_fixed_divide(sum + rows / 2u, rows) - 128;
  for (int32_t row = 0; row < view->rows; row++) {
    distance += (uint32_t)rt_fixed_abs(values[row * view->columns + column] - mean);
  }
  return rt_fixed_divide(distance * 320u, rows);
}

/* Finds the rows that stay when the quiet beginning and end are eroded. */
static void erode(view_t *view, const int8_t *values, uint32_t *random) {
  int32_t highest = view->lowest;
  for (int32_t row = 0; row < view->rows; row++) {
    int32_t level = values[row * view->columns];
    if (level > highest) highest = level;
  }
  int32_t part = 38 + (int32_t)rt_fixed_random_below(random, 117); /* 0.15 .. 0.6 of 256 */
  int32_t loud = view->lowest + (((highest - view->lowest) * part) >> 8);
  while (view->first < view->last && values[view->first * view->columns] <= loud) view->first++;
  while (view->last > view->first && values[view->last * view->columns] <= loud) view->last--;
}

static void draw_view(view_t *view, const rt_tensor_t *input, const int8_t *values,
                      const rt_windows_jitter_t *jitter, uint32_t *random) {
  view->rows = input->height;
  view->columns = input->width * input->channels;
  view->shift = random_offset(random, jitter->shift_rows);
  view->ratio_q12 = 4096 + random_offset(random, jitter->tempo_q8) * 16;
  view->first = 0;
  view->last = view->rows - 1;
  view->quiet = 0;
  for (int32_t row = 1; row < view->rows; row++) {
    if (values[row * view->columns] < values[view->quiet * view->columns]) view->quiet = row;
  }
  view->lowest = values[view->quiet * view->columns];
  for (int32_t c = 0; c < view->columns && c < COLUMNS_MAX; c++) {
    uint32_t noise = (column_deviation_q8(view, values, c) * jitter->noise_q8) >> 8;
    view->noise_q8[c] = (uint16_t)(noise < 32767u ? noise : 32767u);
  }
  uint32_t reach = (column_deviation_q8(view, values, 0) * jitter->gain_q8) >> 16;
  view->gain = random_offset(random, reach);
  if (rt_fixed_random_below(random, 256) < jitter->erode_q8) erode(view, values, random);
}

static int32_t source_row(const view_t *view, int32_t row) {
  int32_t middle = view->rows / 2;
  int32_t source = (((row - middle) * view->ratio_q12 + 2048) >> 12) + middle - view->shift;
  if (source < 0) source = 0;
  if (source >= view->rows) source = view->rows - 1;
  return source < view->first || source > view->last ? view->quiet : source;
}

static int8_t saturate(int32_t value) {
  return (int8_t)(value > 127 ? 127 : (value < -128 ? -128 : value));
}

void rt_windows_show(const rt_windows_t *windows, uint32_t index, const rt_windows_jitter_t *jitter,
                     uint32_t *random) {
  const rt_model_t *model = windows->engine->model;
  const int8_t *from = rt_windows_values(windows, index);
  int8_t *to = rt_engine_tensor(windows->engine, model->input_tensor);
  if (jitter == 0) {
    __builtin_memcpy(to, from, input_bytes(model));
    return;
  }
  view_t view;
  draw_view(&view, input_tensor(model), from, jitter, random);
  for (int32_t row = 0; row < view.rows; row++) {
    const int8_t *source = from + source_row(&view, row) * view.columns;
    for (int32_t column = 0; column < view.columns; column++) {
      int32_t value = source[column];
      if (column == 0 && view.gain != 0) {
        value += view.gain;
        if (value < view.lowest) value = view.lowest;
      }
      int32_t noise = view.noise_q8[column < COLUMNS_MAX ? column : COLUMNS_MAX - 1];
      if (noise != 0) value += (rt_fixed_random_normal(random, noise) + 128) >> 8;
      *to++ = saturate(value);
    }
  }
}
