#include "check.h"

#include "depthwise.h"
#include "pair_dot.h"
#include "quick.h"

typedef struct {
  const rt_model_t *model;
  rt_image_t image;
} check_t;

int rt_image_holds(const rt_image_t *image, const void *p, uint32_t bytes, uint32_t alignment) {
  const uintptr_t at = (uintptr_t)p;
  const uintptr_t base = (uintptr_t)image->base;
  if (p == 0 || (at & (alignment - 1)) != 0) return 0;
  if (image->bytes == 0) return 1;
  return at >= base && at - base <= image->bytes && bytes <= image->bytes - (uint32_t)(at - base);
}

static int readable(const check_t *c, const void *p, uint32_t bytes, uint32_t alignment) {
  return rt_image_holds(&c->image, p, bytes, alignment);
}

static int within(int32_t x, int32_t low, int32_t high) { return x >= low && x <= high; }

static uint32_t size_of(const rt_tensor_t *t) {
  return (uint32_t)t->height * (uint32_t)t->width * (uint32_t)t->channels;
}

static int tensor_is_sound(const check_t *c, const rt_tensor_t *t) {
  if (!within(t->height, 1, RT_MAX_SIDE) || !within(t->width, 1, RT_MAX_SIDE)) return 0;
  if (!within(t->channels, 1, RT_MAX_SIDE) || t->height * t->width > RT_MAX_PIXELS) return 0;
  if (!within(t->zero_point, -128, 127) || (t->offset_bytes & 3) != 0) return 0;
  const uint32_t arena = c->model->arena_bytes;
  return t->offset_bytes <= arena && size_of(t) <= arena - t->offset_bytes;
}

static int disjoint(const rt_tensor_t *a, const rt_tensor_t *b) {
  return a->offset_bytes + size_of(a) <= b->offset_bytes ||
         b->offset_bytes + size_of(b) <= a->offset_bytes;
}

static int same_shape(const rt_tensor_t *a, const rt_tensor_t *b) {
  return a->height == b->height && a->width == b->width && a->channels == b->channels;
}

/* One axis of a window: every position overlaps the input in at least one tap. */
static int axis_is_sound(int32_t kernel, int32_t stride, int32_t pad, int32_t in, int32_t out) {
  if (!within(kernel, 1, RT_MAX_SIDE) || !within(stride, 1, RT_MAX_SIDE)) return 0;
  return within(pad, 0, kernel - 1) && (out - 1) * stride - pad < in;
}

static int window_is_sound(const rt_layer_t *l, const rt_tensor_t *in, const rt_tensor_t *out) {
  return axis_is_sound(l->kernel_height, l->stride_height, l->pad_top, in->height, out->height) &&
         axis_is_sound(l->kernel_width, l->stride_width, l->pad_left, in->width, out->width) &&
         l->kernel_height * l->kernel_width <= RT_MAX_PIXELS;
}

/* Multiplier and shift as rt_requantise takes them. */
static int rescaling_is_sound(int32_t multiplier, int32_t shift) {
  return multiplier >= 0 && within(shift, -31, 30);
}

/* Any words are: they give wrong sums, but no wrong address. */
static int packed_is_sound(const check_t *c, const rt_layer_t *l, uint32_t rows, uint32_t length) {
  if (l->op == RT_OP_DEPTHWISE_CONV_2D) {
    const rt_tensor_t *tensors = c->model->tensors;
    return rt_depthwise_fits(l, &tensors[l->input], &tensors[l->output]) &&
           readable(c, l->packed, 4 * RT_DEPTHWISE_WORDS * rows, 4);
  }
  return readable(c, l->packed, 4 * rt_pair_table_words(rows, length), 4);
}

/* Weights [rows * length] and the per-channel tables of a layer with `rows` outputs. */
static int weights_are_sound(const check_t *c, const rt_layer_t *l, uint32_t rows,
                             uint32_t length) {
  const uint32_t words = 4 * rows;
  if (!readable(c, l->weights, rows * length, 1)) return 0;
  if (!readable(c, l->bias, words, 4) || !readable(c, l->multiplier, words, 4)) return 0;
  if (!readable(c, l->shift, words, 4) || !readable(c, l->weight_scale, 2 * words, 4)) return 0;
  if (l->packed && !packed_is_sound(c, l, rows, length)) return 0;
  if (l->quick && !readable(c, l->quick, 4 * rt_quick_words(rows), 4)) return 0;
  for (uint32_t i = 0; i < rows; i++) {
    if (!rescaling_is_sound(l->multiplier[i], l->shift[i])) return 0;
  }
  return 1;
}

static int conv_is_sound(const check_t *c, const rt_layer_t *l, const rt_tensor_t *in,
                         const rt_tensor_t *out) {
  if (!window_is_sound(l, in, out)) return 0;
  const int32_t taps = l->kernel_height * l->kernel_width;
  if (taps > RT_MAX_PATCH || taps * in->channels > RT_MAX_PATCH) return 0;
  return weights_are_sound(c, l, (uint32_t)out->channels, (uint32_t)(taps * in->channels));
}

static int depthwise_is_sound(const check_t *c, const rt_layer_t *l, const rt_tensor_t *in,
                              const rt_tensor_t *out) {
  if (!window_is_sound(l, in, out) || in->channels != out->channels) return 0;
  const int32_t taps = l->kernel_height * l->kernel_width;
  return taps <= RT_MAX_PATCH && weights_are_sound(c, l, (uint32_t)out->channels, (uint32_t)taps);
}

static int dense_is_sound(const check_t *c, const rt_layer_t *l, const rt_tensor_t *in,
                          const rt_tensor_t *out) {
  if (out->height != 1 || out->width != 1 || size_of(in) > RT_MAX_PATCH) return 0;
  return weights_are_sound(c, l, (uint32_t)out->channels, size_of(in));
}

static int add_is_sound(const check_t *c, const rt_layer_t *l, const rt_tensor_t *in,
                        const rt_tensor_t *out) {
  const rt_add_t *add = l->add;
  if (l->input2 >= c->model->tensor_count || !readable(c, add, sizeof *add, 4)) return 0;
  const rt_tensor_t *in2 = &c->model->tensors[l->input2];
  if (!same_shape(in, out) || !same_shape(in2, out)) return 0;
  if (!disjoint(in2, out) && in2->offset_bytes != out->offset_bytes) return 0;
  /* Input shifts to the right only: the sum of both then stays within 32 bits. */
  return within(add->left_shift, 0, 20) && within(add->input1_shift, -31, 0) &&
         within(add->input2_shift, -31, 0) && add->input1_multiplier >= 0 &&
         add->input2_multiplier >= 0 &&
         rescaling_is_sound(add->output_multiplier, add->output_shift);
}

static int softmax_is_sound(const check_t *c, const rt_layer_t *l, const rt_tensor_t *in,
                            const rt_tensor_t *out) {
  const rt_softmax_t *s = l->softmax;
  if (!readable(c, s, sizeof *s, 4) || !same_shape(in, out)) return 0;
  if (in->channels > RT_MAX_CLASSES || s->multiplier < 0) return 0;
  /* Differences down to diff_min must stay within 31.0 in Q5.26 after the shift. */
  return within(s->left_shift, 0, 30) && s->diff_min <= 0 &&
         s->diff_min >= -(int32_t)((31u << 26) >> s->left_shift);
}

static int has_window(const rt_layer_t *l) {
  return l->op == RT_OP_CONV_2D || l->op == RT_OP_DEPTHWISE_CONV_2D ||
         l->op == RT_OP_AVERAGE_POOL_2D;
}

/* Whether the output lies over input rows only once they have been read (kernels.h). */
static int follows_reading(const rt_layer_t *l, const rt_tensor_t *in, const rt_tensor_t *out) {
  const int32_t stride = has_window(l) ? l->stride_height : 1;
  const int32_t pad = has_window(l) ? l->pad_top : 0;
  if (l->op == RT_OP_FULLY_CONNECTED || !within(stride, 1, RT_MAX_SIDE) ||
      !within(pad, 0, RT_MAX_SIDE)) {
    return 0;
  }
  const uint32_t in_row = (uint32_t)(in->width * in->channels);
  const uint32_t out_row = (uint32_t)(out->width * out->channels);
  for (int32_t y = 0; y < out->height; y++) {
    int32_t needed = y * stride - pad; /* the first row that is still to be read */
    if (needed < 0) needed = 0;
    const uint32_t written = out->offset_bytes + (uint32_t)(y + 1) * out_row;
    if (needed < in->height && written > in->offset_bytes + (uint32_t)needed * in_row) return 0;
  }
  return 1;
}

/* What every kind of layer has: an output that spares the input, and the activation. */
static int frame_is_sound(const rt_layer_t *l, const rt_tensor_t *in, const rt_tensor_t *out) {
  const int in_place = l->op == RT_OP_ADD && in->offset_bytes == out->offset_bytes;
  if (!in_place && !disjoint(in, out) && !follows_reading(l, in, out)) return 0;
  if (!has_window(l) && (l->kernel_height != 1 || l->kernel_width != 1)) return 0;
  return out->width * out->channels <= RT_MAX_ROW && within(l->activation_min, -128, 127) &&
         within(l->activation_max, l->activation_min, 127);
}

static rt_status_t check_layer(const check_t *c, const rt_layer_t *l) {
  const rt_model_t *m = c->model;
  if (l->op < RT_OP_CONV_2D || l->op > RT_OP_SOFTMAX) return RT_ERROR_MODEL_OP;
  if (l->input >= m->tensor_count || l->output >= m->tensor_count) return RT_ERROR_MODEL_LAYOUT;
  const rt_tensor_t *in = &m->tensors[l->input];
  const rt_tensor_t *out = &m->tensors[l->output];
  if (!frame_is_sound(l, in, out)) return RT_ERROR_MODEL_LAYOUT;
  int sound = 0;
  switch (l->op) {
    case RT_OP_CONV_2D:
      sound = conv_is_sound(c, l, in, out);
      break;
    case RT_OP_DEPTHWISE_CONV_2D:
      sound = depthwise_is_sound(c, l, in, out);
      break;
    case RT_OP_FULLY_CONNECTED:
      sound = dense_is_sound(c, l, in, out);
      break;
    case RT_OP_AVERAGE_POOL_2D:
      sound = window_is_sound(l, in, out) && in->channels == out->channels;
      break;
    case RT_OP_ADD:
      sound = add_is_sound(c, l, in, out);
      break;
    default:
      sound = softmax_is_sound(c, l, in, out);
      break;
  }
  return sound ? RT_OK : RT_ERROR_MODEL_LAYOUT;
}

rt_status_t rt_model_check(const rt_model_t *model, const void *image, uint32_t image_bytes) {
  const check_t c = {model, {image, image_bytes}};
  if (((uintptr_t)model & 3) != 0) return RT_ERROR_ALIGNMENT;
  if (!readable(&c, model, sizeof *model, 4)) return RT_ERROR_MODEL_LAYOUT;
  if (model->magic != RT_MODEL_MAGIC || model->version != RT_MODEL_VERSION) {
    return RT_ERROR_MODEL_MAGIC;
  }
  if (!within((int32_t)model->tensor_count, 1, RT_MAX_SIDE) ||
      !within((int32_t)model->layer_count, 1, RT_MAX_SIDE) ||
      model->input_tensor >= model->tensor_count || model->output_tensor >= model->tensor_count ||
      !readable(&c, model->tensors, model->tensor_count * (uint32_t)sizeof(rt_tensor_t), 4) ||
      !readable(&c, model->layers, model->layer_count * (uint32_t)sizeof(rt_layer_t), 4)) {
    return RT_ERROR_MODEL_LAYOUT;
  }
  for (uint32_t i = 0; i < model->tensor_count; i++) {
    if (!tensor_is_sound(&c, &model->tensors[i])) return RT_ERROR_MODEL_LAYOUT;
  }
  for (uint32_t i = 0; i < model->layer_count; i++) {
    const rt_status_t status = check_layer(&c, &model->layers[i]);
    if (status != RT_OK) return status;
  }
  return RT_OK;
}
