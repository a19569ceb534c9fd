/* AVERAGE_POOL_2D: the mean of the taps inside the input, halves away from zero. */
#include "kernels.h"
#include "requantise.h"

/* value / count rounded down, for value < 256 * count: eight steps, since Cortex-M0+ cannot divide.
 */
static int32_t divide(uint32_t value, uint32_t count) {
  uint32_t quotient = 0;
  for (int32_t bit = 7; bit >= 0; bit--) {
    if (value >= count << bit) {
      value -= count << bit;
      quotient |= 1u << bit;
    }
  }
  return (int32_t)quotient;
}

static int32_t rounded_mean(int32_t sum, uint32_t count) {
  const uint32_t half = count >> 1;
  if (sum > 0) return divide((uint32_t)sum + half, count);
  return -divide((uint32_t)-sum + half, count);
}

static int32_t lesser(int32_t a, int32_t b) { return a < b ? a : b; }
static int32_t greater(int32_t a, int32_t b) { return a > b ? a : b; }

static void pool_pixel(const rt_kernel_t *k, int32_t top, int32_t left, int8_t *y) {
  const rt_layer_t *l = k->layer;
  const rt_tensor_t *in = k->input;
  const int32_t row_begin = greater(top, 0);
  const int32_t row_end = lesser(top + l->kernel_height, in->height);
  const int32_t column_begin = greater(left, 0);
  const int32_t column_end = lesser(left + l->kernel_width, in->width);
  const uint32_t count = (uint32_t)((row_end - row_begin) * (column_end - column_begin));
  for (int32_t c = 0; c < in->channels; c++) {
    int32_t sum = 0;
    for (int32_t r = row_begin; r < row_end; r++) {
      const int8_t *x = k->x + (r * in->width + column_begin) * in->channels + c;
      for (int32_t i = column_begin; i < column_end; i++, x += in->channels) sum += *x;
    }
    y[c] = (int8_t)rt_clamp(rounded_mean(sum, count), l->activation_min, l->activation_max);
  }
}

void rt_pool_row(const rt_kernel_t *k, int32_t row) {
  const rt_layer_t *l = k->layer;
  const int32_t channels = k->output->channels;
  int8_t *y = k->y + row * k->output->width * channels;
  for (int32_t column = 0; column < k->output->width; column++, y += channels) {
    pool_pixel(k, row * l->stride_height - l->pad_top, column * l->stride_width - l->pad_left, y);
  }
}
