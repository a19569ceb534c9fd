/* CONV_2D: patch times weights, pixel by pixel. A 1x1 kernel reads its pixel where it lies. */
#include "matmul.h"

typedef struct {
  const int8_t *x; /* input tensor */
  int32_t pitch;   /* bytes of an input row */
  int32_t height;
  int32_t top;   /* input row of the window's first row, may be negative */
  int32_t start; /* offset in its row of the window's first byte, may be negative */
  int32_t begin; /* [begin, end): the bytes of a window row that lie inside the input */
  int32_t end;
  int32_t run; /* bytes of a window row */
  int8_t zero_point;
} window_t;

/* Copies bytes [from, to) of window row r; what lies in the padding is the zero point. */
static int8_t *copy_run(const window_t *w, int32_t r, int32_t from, int32_t to, int8_t *out) {
  const int32_t row = w->top + r;
  const int inside = row >= 0 && row < w->height;
  const int8_t *x = w->x + (inside ? row * w->pitch : 0);
  for (int32_t i = from; i < to; i++) {
    *out++ = inside && i >= w->begin && i < w->end ? x[w->start + i] : w->zero_point;
  }
  return out;
}

static const int8_t *gather(const void *context, int32_t from, int32_t count, int8_t *scratch) {
  const window_t *w = context;
  int8_t *out = scratch;
  int32_t row = 0;
  for (; from >= w->run; from -= w->run) row++;
  while (count > 0) {
    const int32_t left = w->run - from;
    const int32_t part = left < count ? left : count;
    out = copy_run(w, row, from, from + part, out);
    count -= part;
    from = 0;
    row++;
  }
  return scratch;
}

static const int8_t *in_place(const void *context, int32_t from, int32_t count, int8_t *scratch) {
  (void)count;
  (void)scratch;
  return (const int8_t *)context + from;
}

static void pointwise_row(const rt_kernel_t *k, int32_t row) {
  const int32_t depth = k->input->channels;
  const int32_t width = k->output->width;
  const int32_t step = k->layer->stride_width * depth;
  const int8_t *x = k->x + row * k->layer->stride_height * k->input->width * depth;
  for (int32_t column = 0; column < width; column++, x += step) {
    rt_matmul_pixel(k, (uint32_t)(row * width + column), depth, in_place, x, x);
  }
}

static void window_row(const rt_kernel_t *k, int32_t row) {
  const rt_layer_t *l = k->layer;
  const int32_t depth = k->input->channels;
  window_t w;
  w.x = k->x;
  w.pitch = k->input->width * depth;
  w.height = k->input->height;
  w.top = row * l->stride_height - l->pad_top;
  w.run = l->kernel_width * depth;
  w.zero_point = (int8_t)k->input->zero_point;
  for (int32_t column = 0; column < k->output->width; column++) {
    w.start = (column * l->stride_width - l->pad_left) * depth;
    w.begin = -w.start;
    w.end = w.pitch - w.start;
    rt_matmul_pixel(k, (uint32_t)(row * k->output->width + column), l->kernel_height * w.run,
                    gather, &w, 0);
  }
}

void rt_conv_row(const rt_kernel_t *k, int32_t row) {
  const rt_layer_t *l = k->layer;
  if (l->kernel_height == 1 && l->kernel_width == 1) {
    pointwise_row(k, row);
  } else {
    window_row(k, row);
  }
}
