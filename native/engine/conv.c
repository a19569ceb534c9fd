/* CONV_2D: patch times weights, pixel by pixel. A 1x1 kernel reads its pixel where it lies. */
#include "hot.h"
#include "matmul.h"

#define WINDOW_BYTES 576 /* gathered in one go: 3x3 of 64 channels; a multiple of 4 */

typedef struct {
  const int8_t *x; /* input tensor */
  int32_t pitch;   /* bytes of an input row */
  int32_t height;
  int32_t top;   /* input row of the window's first row, may be negative */
  int32_t start; /* offset in its row of the window's first byte, may be negative */
  int32_t begin; /* [begin, end): the bytes of a window row that lie inside the input, 0..run */
  int32_t end;
  int32_t run; /* bytes of a window row */
  int8_t zero_point;
} window_t;

static inline int8_t *fill(int8_t *out, int32_t count, int8_t value) {
  for (; count > 0; count--) *out++ = value;
  return out;
}

/* By words where they line up, else by four bytes: a window row is often no more. */
static inline int8_t *copy(int8_t *out, const int8_t *x, int32_t count) {
  if ((((uintptr_t)x | (uintptr_t)out) & 3u) == 0) {
    for (; count >= 4; count -= 4, x += 4, out += 4) {
      __builtin_memcpy(__builtin_assume_aligned(out, 4), __builtin_assume_aligned(x, 4), 4);
    }
  }
  for (; count >= 4; count -= 4, x += 4, out += 4) {
    out[0] = x[0];
    out[1] = x[1];
    out[2] = x[2];
    out[3] = x[3];
  }
  for (; count > 0; count--) *out++ = *x++;
  return out;
}

/* Rows of a window that lies within the columns of the input. */
RT_HOT static int8_t *copy_rows(int8_t *out, const int8_t *x, int32_t pitch, int32_t run,
                                int32_t rows) {
  for (; rows > 0; rows--, x += pitch) out = copy(out, x, run);
  return out;
}

/* Rows of a window that reaches over the left or right edge. */
RT_HOT static int8_t *copy_clipped(int8_t *out, const window_t *w, const int8_t *x, int32_t rows) {
  const int32_t inside = w->end - w->begin;
  const int32_t pitch = w->pitch;
  for (; rows > 0; rows--, x += pitch) {
    out = fill(out, w->begin, w->zero_point);
    for (int32_t i = 0; i < inside; i++) *out++ = x[i];
    out = fill(out, w->run - w->end, w->zero_point);
  }
  return out;
}

/* The whole window; what lies in the padding is the zero point. */
RT_HOT static void gather_window(const window_t *w, int32_t rows, int8_t *out) {
  const int32_t first = w->top < 0 ? -w->top : 0;
  const int32_t last = w->height - w->top < rows ? w->height - w->top : rows;
  const int8_t *x = w->x + (w->top + first) * w->pitch + w->start + w->begin;
  out = fill(out, first * w->run, w->zero_point);
  if (w->begin == 0 && w->end == w->run) {
    out = copy_rows(out, x, w->pitch, w->run, last - first);
  } else {
    out = copy_clipped(out, w, x, last - first);
  }
  fill(out, (rows - last) * w->run, w->zero_point);
}

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

static void pointwise_row(const rt_kernel_t *k, int32_t row) {
  const int32_t depth = k->input->channels;
  const int32_t width = k->output->width;
  const int32_t step = k->layer->stride_width * depth;
  const int8_t *x = k->x + row * k->layer->stride_height * k->input->width * depth;
#if RT_MATMUL_ROWS
  if (k->layer->packed && !k->hooks) {
    rt_matmul_pixels(k, (uint32_t)(row * width), (uint32_t)width, depth, x, step);
    return;
  }
#endif
  for (int32_t column = 0; column < width; column++, x += step) {
    rt_matmul_pixel(k, (uint32_t)(row * width + column), depth, 0, x, x);
  }
}

/* A window that fits into the scratch is gathered in one go, a larger one piece by piece. Packed
 * rows of weights are filled up to words: then so is the window. */
static void window_pixel(const rt_kernel_t *k, const window_t *w, uint32_t pixel) {
  int8_t patch[WINDOW_BYTES] __attribute__((aligned(4)));
  const int32_t length = k->layer->kernel_height * w->run;
  if (length > WINDOW_BYTES) {
    rt_matmul_pixel(k, pixel, length, gather, w, 0);
    return;
  }
  const int32_t filled = k->layer->packed ? (length + 3) & ~3 : length;
  gather_window(w, k->layer->kernel_height, patch);
  fill(patch + length, filled - length, 0);
  rt_matmul_pixel(k, pixel, filled, 0, patch, 0);
}

static void move_window(const rt_kernel_t *k, window_t *w, int32_t column) {
  const rt_layer_t *l = k->layer;
  w->start = (column * l->stride_width - l->pad_left) * k->input->channels;
  w->begin = w->start < 0 ? -w->start : 0;
  w->end = w->pitch - w->start < w->run ? w->pitch - w->start : w->run;
}

#if RT_MATMUL_PIXELS > 1
#define WINDOWS_BYTES (RT_MATMUL_PIXELS * RT_MATMUL_CHUNK)

/* As many windows as fit into the scratch, gathered and computed together. */
static void windows_together(const rt_kernel_t *k, window_t *w, int32_t row) {
  int8_t patches[WINDOWS_BYTES];
  const int32_t width = k->output->width;
  const int32_t length = k->layer->kernel_height * w->run;
  for (int32_t column = 0; column < width;) {
    const uint32_t pixel = (uint32_t)(row * width + column);
    uint32_t count = 0;
    for (int32_t used = 0; column < width && count < RT_MATMUL_PIXELS; count++, used += length) {
      if (used + length > WINDOWS_BYTES) break;
      move_window(k, w, column++);
      gather_window(w, k->layer->kernel_height, patches + used);
    }
    rt_matmul_pixels(k, pixel, count, length, patches, length);
  }
}
#endif

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
#if RT_MATMUL_PIXELS > 1
  if (k->layer->packed && !k->hooks && l->kernel_height * w.run <= WINDOWS_BYTES) {
    windows_together(k, &w, row);
    return;
  }
#endif
  for (int32_t column = 0; column < k->output->width; column++) {
    move_window(k, &w, column);
    window_pixel(k, &w, (uint32_t)(row * k->output->width + column));
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
