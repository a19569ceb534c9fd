/*
 * DEPTHWISE_CONV_2D with multiplier 1. A tap in the padding reads a run of zero points instead of
 * the input, so that border pixels take the same path as the others.
 */
#include "depthwise.h"

#include "depthwise_rv32.h"
#include "settle.h"
#include "simd.h"

#if !RT_SIMD /* depthwise_simd.c */

#define TILE 64 /* channels at a time */

typedef struct {
  const rt_kernel_t *k;
  int32_t top; /* input position of the window's first tap, may be negative */
  int32_t left;
  const int8_t *zeros; /* [TILE] */
} window_t;

/* Where tap (r, c) of the window reads channel `first` and those after it. */
static const int8_t *tap(const window_t *w, int32_t r, int32_t c, int32_t first) {
  const rt_tensor_t *input = w->k->input;
  const int32_t row = w->top + r;
  const int32_t column = w->left + c;
  if (row < 0 || row >= input->height || column < 0 || column >= input->width) return w->zeros;
  return w->k->x + (row * input->width + column) * input->channels + first;
}

/* One product of tile_3x3, and on to the weights of the next tap. */
#define TERM(n)                             \
  sum += (uint32_t)((int32_t)*f * x[n][i]); \
  f += stride;                              \
  RT_SETTLE(sum, f)

/* 3x3, the kernel of almost every depthwise layer: nine products in a row, one sum in a register.
 */
RT_NOINLINE static void tile_3x3(const int8_t *const *x, const rt_layer_t *l, int32_t stride,
                                 int32_t first, int32_t count, int32_t *acc) {
  const int8_t *weights = l->weights + first;
  const int32_t *bias = l->bias + first;
  for (int32_t i = 0; i < count; i++) {
    const int8_t *f = weights + i;
    uint32_t sum = (uint32_t)bias[i];
    TERM(0);
    TERM(1);
    TERM(2);
    TERM(3);
    TERM(4);
    TERM(5);
    TERM(6);
    TERM(7);
    TERM(8);
    acc[i] = (int32_t)sum;
  }
}

static void find_taps(const window_t *w, int32_t first, const int8_t **x) {
  for (int32_t r = 0; r < 3; r++) {
    for (int32_t c = 0; c < 3; c++) *x++ = tap(w, r, c, first);
  }
}

RT_NOINLINE static void tile_any(const window_t *w, int32_t first, int32_t count, int32_t *acc) {
  const rt_layer_t *l = w->k->layer;
  const int8_t *f = l->weights + first;
  for (int32_t i = 0; i < count; i++) acc[i] = l->bias[first + i];
  for (int32_t r = 0; r < l->kernel_height; r++) {
    for (int32_t c = 0; c < l->kernel_width; c++) {
      const int8_t *x = tap(w, r, c, first);
      for (int32_t i = 0; i < count; i++) {
        acc[i] = (int32_t)((uint32_t)acc[i] + (uint32_t)(f[i] * x[i]));
      }
      f += w->k->input->channels;
    }
  }
}

void rt_depthwise_row(const rt_kernel_t *k, int32_t row) {
  if (rt_depthwise_row_3x3(k, row)) return;
  if (k->layer->packed) {
    rt_depthwise_packed_row(k, row);
    return;
  }
  const rt_layer_t *l = k->layer;
  const int32_t channels = k->output->channels;
  const int is_3x3 = l->kernel_height == 3 && l->kernel_width == 3;
  int8_t zeros[TILE];
  for (int32_t i = 0; i < TILE; i++) zeros[i] = (int8_t)k->input->zero_point;
  int8_t *y = k->y + row * k->output->width * channels;
  window_t w = {k, row * l->stride_height - l->pad_top, -l->pad_left, zeros};
  for (int32_t column = 0; column < k->output->width; column++) {
    for (int32_t first = 0; first < channels; first += TILE) {
      const int32_t left = channels - first;
      const int32_t count = left < TILE ? left : TILE;
      int32_t acc[TILE];
      if (is_3x3) {
        const int8_t *x[9];
        find_taps(&w, first, x);
        tile_3x3(x, l, channels, first, count, acc);
      } else {
        tile_any(&w, first, count, acc);
      }
      rt_requantise_pixel(l, k->output, first, count, acc, y + first);
    }
    y += channels;
    w.left += l->stride_width;
  }
}

#endif
