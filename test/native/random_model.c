#include "random_model.h"

#include <stdlib.h>
#include <string.h>

#include "engine/pair_rows.h"
#include "harness.h"

static void *exactly(size_t bytes) {
  void *p = malloc(bytes);
  if (!p) abort();
  return p;
}

static uint32_t size_of(const rt_tensor_t *t) {
  return (uint32_t)(t->height * t->width * t->channels);
}

static void shape(rt_tensor_t *t, int32_t height, int32_t width, int32_t channels) {
  t->height = height;
  t->width = width;
  t->channels = channels;
  t->zero_point = rt_test_between(-128, 127);
  t->scale.mantissa = 1 << 30;
  t->scale.exponent = -4;
}

/* One axis of a window: kernel, stride, padding and the number of outputs that they give. */
static int32_t axis(int32_t in, int32_t *kernel, int32_t *stride, int32_t *pad) {
  *stride = rt_test_between(1, 3);
  *pad = 0;
  if (rt_test_random() % 2) { /* SAME */
    const int32_t out = (in + *stride - 1) / *stride;
    const int32_t needed = (out - 1) * *stride + *kernel - in;
    *pad = needed > 0 ? needed / 2 : 0;
    return out;
  }
  if (*kernel > in) *kernel = in;
  return (in - *kernel) / *stride + 1;
}

static void choose_window(rt_test_model_t *m, int32_t max_kernel) {
  rt_layer_t *l = &m->layer;
  const int square = rt_test_random() % 2;
  l->kernel_height = square ? 3 : rt_test_between(1, max_kernel);
  l->kernel_width = square ? 3 : rt_test_between(1, max_kernel);
  const int32_t height =
      axis(m->tensors[0].height, &l->kernel_height, &l->stride_height, &l->pad_top);
  const int32_t width = axis(m->tensors[0].width, &l->kernel_width, &l->stride_width, &l->pad_left);
  shape(&m->tensors[2], height, width, m->tensors[0].channels);
}

static void fill_weights(rt_test_model_t *m, uint32_t rows, uint32_t length) {
  m->weights = exactly(rows * length);
  m->bias = exactly(4 * rows);
  m->multiplier = exactly(4 * rows);
  m->shift = exactly(4 * rows);
  m->weight_scale = exactly(sizeof(rt_real_t) * rows);
  for (uint32_t i = 0; i < rows * length; i++) m->weights[i] = (int8_t)rt_test_random();
  for (uint32_t i = 0; i < rows; i++) {
    m->bias[i] = rt_test_between(-20000, 20000);
    m->multiplier[i] = rt_test_between(1 << 30, INT32_MAX);
    m->shift[i] = rt_test_between(-12, -4);
    m->weight_scale[i] = (rt_real_t){1 << 30, -6};
  }
  if (rt_test_random() % 8 == 0) m->shift[0] = rt_test_between(-31, 3);
  m->layer.weights = m->weights;
  m->layer.bias = m->bias;
  m->layer.multiplier = m->multiplier;
  m->layer.shift = m->shift;
  m->layer.weight_scale = m->weight_scale;
}

/* Packed weights as well, unless a pair of them is too large. */
static void pack_weights(rt_test_model_t *m, uint32_t rows, uint32_t length) {
  uint32_t *packed = exactly(4 * rt_pair_words(rows, length));
  if (rt_test_random() % 2 && rt_pair_pack(m->weights, m->bias, rows, length, packed)) {
    m->layer.packed = m->packed = packed;
  } else {
    free(packed);
  }
}

static void make_add(rt_test_model_t *m) {
  const rt_tensor_t *in = &m->tensors[0];
  shape(&m->tensors[1], in->height, in->width, in->channels);
  shape(&m->tensors[2], in->height, in->width, in->channels);
  m->add.left_shift = 20;
  m->add.input1_multiplier = rt_test_between(1 << 30, INT32_MAX);
  m->add.input1_shift = rt_test_between(-3, 0);
  m->add.input2_multiplier = rt_test_between(1 << 30, INT32_MAX);
  m->add.input2_shift = rt_test_between(-3, 0);
  m->add.output_multiplier = rt_test_between(1 << 30, INT32_MAX);
  m->add.output_shift = rt_test_between(-20, -17);
  m->layer.add = &m->add;
  m->layer.input2 = 1;
}

static void make_softmax(rt_test_model_t *m) {
  const rt_tensor_t *in = &m->tensors[0];
  shape(&m->tensors[2], in->height, in->width, in->channels);
  m->softmax.multiplier = rt_test_between(1 << 30, INT32_MAX);
  m->softmax.left_shift = rt_test_between(18, 25);
  m->softmax.diff_min = -(int32_t)((31u << 26) >> m->softmax.left_shift);
  m->layer.softmax = &m->softmax;
}

static void make_layer(rt_test_model_t *m, rt_op_t op) {
  const rt_tensor_t *in = &m->tensors[0];
  rt_tensor_t *out = &m->tensors[2];
  switch (op) {
    case RT_OP_CONV_2D:
      choose_window(m, rt_test_random() % 2 ? 1 : 5);
      out->channels = rt_test_between(1, 21);
      fill_weights(m, (uint32_t)out->channels,
                   (uint32_t)(m->layer.kernel_height * m->layer.kernel_width * in->channels));
      pack_weights(m, (uint32_t)out->channels,
                   (uint32_t)(m->layer.kernel_height * m->layer.kernel_width * in->channels));
      break;
    case RT_OP_DEPTHWISE_CONV_2D:
      choose_window(m, 5);
      fill_weights(m, (uint32_t)out->channels,
                   (uint32_t)(m->layer.kernel_height * m->layer.kernel_width));
      break;
    case RT_OP_FULLY_CONNECTED:
      shape(out, 1, 1, rt_test_between(1, 40));
      fill_weights(m, (uint32_t)out->channels, size_of(in));
      pack_weights(m, (uint32_t)out->channels, size_of(in));
      break;
    case RT_OP_AVERAGE_POOL_2D:
      choose_window(m, 6);
      break;
    case RT_OP_ADD:
      make_add(m);
      break;
    case RT_OP_SOFTMAX:
      make_softmax(m);
      break;
  }
}

void rt_test_model_make(rt_test_model_t *m, rt_op_t op) {
  memset(m, 0, sizeof *m);
  m->layer.op = op;
  m->layer.input = 0;
  m->layer.input2 = RT_NONE;
  m->layer.output = 2;
  m->layer.kernel_height = m->layer.kernel_width = 1;
  m->layer.stride_height = m->layer.stride_width = 1;
  m->layer.activation_min = rt_test_random() % 3 ? -128 : rt_test_between(-128, 0);
  m->layer.activation_max = rt_test_random() % 3 ? 127 : rt_test_between(1, 127);
  const int32_t depth =
      rt_test_random() % 8 == 0 ? rt_test_between(60, 90) : rt_test_between(1, 20);
  shape(&m->tensors[0], rt_test_between(1, 9), rt_test_between(1, 9), depth);
  shape(&m->tensors[1], 1, 1, 1);
  make_layer(m, op);
  uint32_t top = 0;
  for (uint32_t t = 0; t < RT_TEST_TENSORS; t++) {
    m->tensors[t].offset_bytes = top;
    top += (size_of(&m->tensors[t]) + 3u) & ~3u;
  }
  m->model = (rt_model_t){
      RT_MODEL_MAGIC, RT_MODEL_VERSION, 0, top, RT_TEST_TENSORS, m->tensors, 1, &m->layer, 0, 2, 0};
  m->arena = exactly(top);
  rt_test_model_scramble(m);
}

void rt_test_model_scramble(rt_test_model_t *m) {
  for (uint32_t i = 0; i < m->model.arena_bytes; i++) m->arena[i] = (int8_t)rt_test_random();
}

void rt_test_model_free(rt_test_model_t *m) {
  free(m->weights);
  free(m->bias);
  free(m->multiplier);
  free(m->shift);
  free(m->weight_scale);
  free(m->packed);
  free(m->arena);
}

int8_t *rt_test_model_tensor(const rt_test_model_t *m, uint32_t tensor) {
  return m->arena + m->tensors[tensor].offset_bytes;
}
