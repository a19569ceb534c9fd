/* Every layer kind on random shapes against a slow version written from the specification, in one
 * go and in slices, with and without hooks. */
#include <stdlib.h>
#include <string.h>

#include "engine/requantise.h"
#include "harness.h"
#include "random_model.h"

/* Input value at a position; the zero point in the padding. */
static int32_t at(const rt_test_model_t *m, int32_t y, int32_t x, int32_t c) {
  const rt_tensor_t *t = &m->tensors[0];
  if (y < 0 || y >= t->height || x < 0 || x >= t->width) return t->zero_point;
  return rt_test_model_tensor(m, 0)[(y * t->width + x) * t->channels + c];
}

static int8_t finish(const rt_test_model_t *m, int32_t value) {
  return (int8_t)rt_clamp(value, m->layer.activation_min, m->layer.activation_max);
}

static int8_t weighted(const rt_test_model_t *m, int32_t oy, int32_t ox, int32_t oc) {
  const rt_layer_t *l = &m->layer;
  const int depthwise = l->op == RT_OP_DEPTHWISE_CONV_2D;
  const int32_t depth = m->tensors[0].channels;
  const int8_t *w = l->weights + (depthwise ? oc : oc * l->kernel_height * l->kernel_width * depth);
  int64_t acc = l->bias[oc];
  for (int32_t ky = 0; ky < l->kernel_height; ky++) {
    for (int32_t kx = 0; kx < l->kernel_width; kx++) {
      const int32_t y = oy * l->stride_height - l->pad_top + ky;
      const int32_t x = ox * l->stride_width - l->pad_left + kx;
      for (int32_t c = depthwise ? oc : 0; c < (depthwise ? oc + 1 : depth); c++) {
        acc += (int64_t)at(m, y, x, c) * *w;
        w += depthwise ? depth : 1;
      }
    }
  }
  return finish(
      m, rt_requantise((int32_t)acc, l->multiplier[oc], l->shift[oc]) + m->tensors[2].zero_point);
}

static int8_t dense(const rt_test_model_t *m, int32_t oc) {
  const rt_tensor_t *t = &m->tensors[0];
  const int32_t length = t->height * t->width * t->channels;
  int64_t acc = m->layer.bias[oc];
  for (int32_t i = 0; i < length; i++) {
    acc += (int64_t)rt_test_model_tensor(m, 0)[i] * m->layer.weights[oc * length + i];
  }
  return finish(m, rt_requantise((int32_t)acc, m->layer.multiplier[oc], m->layer.shift[oc]) +
                       m->tensors[2].zero_point);
}

static int8_t pooled(const rt_test_model_t *m, int32_t oy, int32_t ox, int32_t c) {
  const rt_layer_t *l = &m->layer;
  const rt_tensor_t *t = &m->tensors[0];
  int32_t sum = 0;
  int32_t count = 0;
  for (int32_t ky = 0; ky < l->kernel_height; ky++) {
    for (int32_t kx = 0; kx < l->kernel_width; kx++) {
      const int32_t y = oy * l->stride_height - l->pad_top + ky;
      const int32_t x = ox * l->stride_width - l->pad_left + kx;
      if (y < 0 || y >= t->height || x < 0 || x >= t->width) continue;
      sum += at(m, y, x, c);
      count++;
    }
  }
  return finish(m, sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count);
}

static int8_t added(const rt_test_model_t *m, int32_t i) {
  const rt_add_t *a = &m->add;
  const int32_t x1 = (rt_test_model_tensor(m, 0)[i] - m->tensors[0].zero_point) * (1 << 20);
  const int32_t x2 = (rt_test_model_tensor(m, 1)[i] - m->tensors[1].zero_point) * (1 << 20);
  const int32_t sum =
      rt_round_shift(rt_high_mul(x1, a->input1_multiplier), (uint32_t)-a->input1_shift) +
      rt_round_shift(rt_high_mul(x2, a->input2_multiplier), (uint32_t)-a->input2_shift);
  return finish(
      m, rt_requantise(sum, a->output_multiplier, a->output_shift) + m->tensors[2].zero_point);
}

static int8_t expected(const rt_test_model_t *m, int32_t y, int32_t x, int32_t c) {
  const rt_tensor_t *out = &m->tensors[2];
  switch (m->layer.op) {
    case RT_OP_FULLY_CONNECTED:
      return dense(m, c);
    case RT_OP_AVERAGE_POOL_2D:
      return pooled(m, y, x, c);
    case RT_OP_ADD:
      return added(m, (y * out->width + x) * out->channels + c);
    default:
      return weighted(m, y, x, c);
  }
}

static void check_output(const rt_test_model_t *m) {
  const rt_tensor_t *out = &m->tensors[2];
  const int8_t *y = rt_test_model_tensor(m, 2);
  for (int32_t row = 0; row < out->height; row++) {
    for (int32_t column = 0; column < out->width; column++) {
      for (int32_t c = 0; c < out->channels; c++) CHECK(*y++ == expected(m, row, column, c));
    }
  }
}

static uint32_t bytes_of(const rt_tensor_t *t) {
  return (uint32_t)(t->height * t->width * t->channels);
}

/* Slices of the smallest budget: one row a call, and the same output. */
static void check_slices(rt_test_model_t *m, rt_engine_t *engine) {
  const rt_tensor_t *out = &m->tensors[2];
  const uint32_t bytes = bytes_of(out);
  int8_t *whole = malloc(bytes);
  if (!whole) abort();
  memcpy(whole, rt_test_model_tensor(m, 2), bytes);
  memset(rt_test_model_tensor(m, 2), 99, bytes);
  int32_t calls = 1;
  rt_engine_begin(engine);
  while (rt_engine_run(engine, 1) == RT_BUSY) calls++;
  CHECK(calls == out->height);
  CHECK(memcmp(whole, rt_test_model_tensor(m, 2), bytes) == 0);
  free(whole);
}

/* What the hooks of the test saw. */
typedef struct {
  const rt_test_model_t *m;
  uint32_t pixels;
  uint32_t rows;
  const int32_t *side; /* the layer's own matrix once more */
} seen_t;

static uint32_t wants(void *context, uint32_t layer) {
  const seen_t *seen = context;
  const uint32_t op = seen->m->layer.op;
  CHECK(layer == 0);
  return op == RT_OP_CONV_2D || op == RT_OP_FULLY_CONNECTED ? RT_HOOK_PIXEL | RT_HOOK_ROW
                                                            : RT_HOOK_ROW;
}

/* Adds to channel 0 what moves it by one step of bias. */
static void pixel(void *context, uint32_t layer, uint32_t index, const int8_t *x, int32_t *acc) {
  seen_t *seen = context;
  const rt_layer_t *l = &seen->m->layer;
  const int large = l->op == RT_OP_CONV_2D && l->kernel_height * l->kernel_width > 1;
  CHECK(layer == 0 && index == seen->pixels);
  CHECK((x == 0) == large);
  for (int32_t c = 0; c < seen->m->tensors[2].channels && l->packed; c++) {
    CHECK(seen->side[c] == acc[c]);
  }
  acc[0] += 1000;
  seen->pixels++;
}

static void row(void *context, uint32_t layer, uint32_t index) {
  seen_t *seen = context;
  CHECK(layer == 0 && index == seen->rows);
  seen->rows++;
}

static void check_hooks(rt_test_model_t *m, rt_engine_t *engine) {
  const rt_tensor_t *out = &m->tensors[2];
  const uint32_t blocks = ((uint32_t)out->channels + 3u) >> 2;
  int32_t *accumulators = malloc(4 * (size_t)out->channels);
  int32_t *side = malloc(16 * (size_t)blocks);
  if (!accumulators || !side) abort();
  seen_t seen = {m, 0, 0, side};
  const rt_layer_hooks_t hooks = {&seen, accumulators, {m->packed, side, blocks},
                                  wants, pixel,        row};
  engine->hooks = &hooks;
  CHECK(rt_engine_infer(engine) == RT_OK);
  engine->hooks = 0;
  CHECK(seen.rows == (uint32_t)out->height);
  if (m->bias && m->layer.op != RT_OP_DEPTHWISE_CONV_2D) {
    CHECK(seen.pixels == (uint32_t)(out->height * out->width));
    m->bias[0] += 1000;
  }
  check_output(m);
  free(accumulators);
  free(side);
}

void rt_test_layers(void) {
  const rt_op_t kinds[] = {RT_OP_CONV_2D, RT_OP_DEPTHWISE_CONV_2D, RT_OP_FULLY_CONNECTED,
                           RT_OP_AVERAGE_POOL_2D, RT_OP_ADD};
  for (int32_t i = 0; i < 1500; i++) {
    rt_test_model_t m;
    rt_engine_t engine;
    rt_test_model_make(&m, kinds[i % 5]);
    CHECK(rt_engine_init(&engine, &m.model, m.arena, m.model.arena_bytes) == RT_OK);
    CHECK(rt_engine_infer(&engine) == RT_OK);
    check_output(&m);
    check_slices(&m, &engine);
    check_hooks(&m, &engine);
    rt_test_model_free(&m);
  }
}
