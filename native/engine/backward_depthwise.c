/*
 * Backward through DEPTHWISE_CONV_2D, a channel at a time: its gradients are spread over a plane
 * with gaps where the stride has skipped pixels and a border of zeros, so that every input pixel
 * is a plain correlation with the flipped kernel whatever stride and padding.
 *
 * A word of the plane holds two neighbours, g[x] + 65536 g[x + 1]: its product with a tap serves
 * two input pixels. The compiler keeps the taps of a channel below sum |w| <= 255, so both sums
 * fit in 16 bits (backward_axpy.h).
 */
#include "backward_parts.h"

#define BAND 128u /* sums, or a row of the input if that is longer */

/* Of a Cortex-M0+; docs/rp2040.md. */
#define CYCLES_TAP 64u    /* of an output pixel */
#define CYCLES_PIXEL 290u /* of the input */

typedef struct {
  uint32_t kernel_height, kernel_width;
  uint32_t rows, columns;  /* of the input */
  uint32_t height, length; /* of the plane, in words */
  uint32_t top, left;      /* where the first output pixel lies in it */
  uint32_t band;           /* rows at a time */
} plane_t;

static plane_t plane_of(const rt_layer_t *layer, uint32_t rows, uint32_t columns) {
  plane_t p;
  p.kernel_height = (uint32_t)layer->kernel_height;
  p.kernel_width = (uint32_t)layer->kernel_width;
  p.rows = rows;
  p.columns = columns;
  p.height = rows + p.kernel_height - 1u;
  p.length = ((columns + 1u) & ~1u) + p.kernel_width - 1u;
  p.top = p.kernel_height - 1u - (uint32_t)layer->pad_top;
  p.left = p.kernel_width - 1u - (uint32_t)layer->pad_left;
  p.band = columns >= BAND ? 1u : rt_fixed_divide(BAND, columns);
  if (p.band > rows) p.band = rows;
  return p;
}

/* One sum more than the band has, since sums come in pairs. */
uint32_t rt_backward_depthwise_bytes(const rt_layer_t *layer, uint32_t rows, uint32_t columns) {
  plane_t p = plane_of(layer, rows, columns);
  return 4u * (p.height * p.length + p.band * columns + 1u);
}

/* Adds value to both words that it is part of: alone in its place, so that nothing carries over. */
static void put(uint32_t *at, uint32_t has_left, int32_t value) {
  at[0] += (uint32_t)value;
  if (has_left) at[-1] += (uint32_t)value << 16;
}

static void fill_plane(const rt_backward_t *backward, const rt_backward_layer_t *layer,
                       uint32_t channel, const plane_t *p, uint32_t *plane) {
  uint32_t stride = (uint32_t)layer->layer->stride_width;
  uint32_t down = (uint32_t)layer->layer->stride_height * p->length;
  uint32_t *row = plane + p->top * p->length + p->left;
  __builtin_memset(plane, 0, p->height * p->length * sizeof(uint32_t));
  for (uint32_t first = 0; first < layer->pixels; first += layer->columns, row += down) {
    uint32_t *at = row;
    for (uint32_t x = 0; x < layer->columns; x++, at += stride) {
      put(at, p->left + x > 0, rt_backward_value(backward, layer, first + x, channel));
    }
  }
}

/* Sums of the input pixels of a row, two at a time. */
static void correlate_row(const plane_t *p, const uint32_t *plane, const uint32_t *taps,
                          int32_t *sums) {
  for (uint32_t x = 0; x < p->columns; x += 2, sums += 2) {
    const uint32_t *w = taps;
    uint32_t acc = 0;
    for (uint32_t ky = 0; ky < p->kernel_height; ky++) {
      const uint32_t *g = plane + ky * p->length + x;
      for (uint32_t kx = 0; kx < p->kernel_width; kx++) acc += *w++ * *g++;
    }
    sums[0] = (int16_t)(acc & 0xffffu);
    sums[1] = (int32_t)(acc - (uint32_t)sums[0]) >> 16;
  }
}

rt_status_t rt_backward_depthwise(rt_backward_t *backward, const rt_backward_layer_t *layer,
                                  uint32_t *random, uint32_t *cycles) {
  const rt_tensor_t *input = &backward->adapter->engine->model->tensors[layer->layer->input];
  uint32_t channel = backward->next;
  if (channel == 0) rt_backward_prepare(backward, layer);
  plane_t p = plane_of(layer->layer, (uint32_t)input->height, (uint32_t)input->width);
  uint32_t *plane = rt_backward_work(backward);
  int32_t *sums = (int32_t *)(void *)(plane + p.height * p.length);
  uint32_t taps = p.kernel_height * p.kernel_width;
  fill_plane(backward, layer, channel, &p, plane);
  for (uint32_t y = 0; y < p.rows; y += p.band) {
    uint32_t rows = p.rows - y < p.band ? p.rows - y : p.band;
    for (uint32_t r = 0; r < rows; r++) {
      correlate_row(&p, plane + (y + r) * p.length, layer->step->weights + channel * taps,
                    sums + r * p.columns);
    }
    rt_backward_store(backward, layer, y * p.columns * layer->inputs + channel, layer->inputs, sums,
                      rows * p.columns, random);
  }
  *cycles += p.rows * p.columns * CYCLES_PIXEL + layer->pixels * taps * CYCLES_TAP;
  return ++backward->next < layer->outputs ? RT_BUSY : RT_OK;
}
