/*
 * DEPTHWISE_CONV_2D 3x3, channel by channel along a row, two products a multiply: the kernel of
 * layers that the compiler has packed (rt_layer_t.packed; compiler/depthwise.ts).
 *
 * The windows of a row's outputs slide over its columns, so each activation of the three rows is
 * read once. With a, b, t the column's values from top to bottom and V = a + 2^16 b, the multiply
 * V (w1 + 2^16 w0) has a w0 + b w1 in its upper half (pair_dot.h says why that is exact), and t
 * (w0 + 2^16 w1) has two outputs' products in its halves. A column gives the third taps of one
 * output, which is then finished, the second taps of the next, and the first taps of the one after.
 * Requantisation is that of quick.h, with all that is constant of an accumulator folded into
 * `first`, so that sums start at 0.
 *
 * Packed table: RT_DEPTHWISE_WORDS words a channel. Kernel columns 0..2, rows 0..2; z is the
 * input's zero point.
 *   pair[3]   w(1, c) + 65536 w(0, c) for column c
 *   third[2]  w(2, 0) + 65536 w(2, 1);  w(2, 2)
 *   first, last, slope, start  of quick.h, first less `bias`; here `start` lets rt_output decide
 *             when the seven highest of the 24 bits are set, so the channel's gap is at most 2^17
 *   right     z times the weights of column 2: what the column behind the last one counts
 *   left      z times the weights of column 0
 *   bias      what to add to a sum to have the accumulator of rt_layer_t
 * All modulo 2^32. No pair has both weights -128.
 */
#ifndef RT_ENGINE_DEPTHWISE_H
#define RT_ENGINE_DEPTHWISE_H

#include "kernels.h"

#define RT_DEPTHWISE_WORDS 12u

typedef struct {
  int32_t pair[3];
  int32_t third[2];
  int32_t first;
  int32_t last;
  int32_t slope;
  int32_t start;
  int32_t right;
  int32_t left;
  int32_t bias;
} rt_depthwise_channel_t;

/* How a call goes along its row. */
enum {
  RT_DEPTHWISE_PADDED = 0, /* stride 1; the first output's first taps lie in the padding */
  RT_DEPTHWISE_OPEN = 1,   /* stride 1; they lie in the input */
  RT_DEPTHWISE_PADDED_2 = 2,
  RT_DEPTHWISE_OPEN_2 = 3
};

/* A row of outputs. The machine code knows the order of the members up to `high`. */
typedef struct {
  int32_t pitch; /* bytes from row to row of the input */
  int32_t step;  /* bytes from pixel to pixel of input and output: channels, at least 2 */
  int32_t kind;  /* RT_DEPTHWISE_* */
  /* Bytes from the input's first pixel to behind the last that is read. Stride 1: less 1 where the
   * last taps of the last output lie in the input. Stride 2: as if they did. */
  int32_t bytes;
  int32_t real_bytes; /* stride 2: to behind the last pixel that there is */
  int32_t low;        /* activation_min */
  int32_t high;
  int32_t zero_point; /* of the output */
  int32_t columns;    /* of the output */
  int32_t columns_in; /* of the input */
  /* Of the call's first channel, for rt_output. */
  const rt_depthwise_channel_t *channels;
  const int32_t *multiplier;
  const int32_t *shift;
} rt_depthwise_t;

/* rt_depthwise_row of a packed layer. */
void rt_depthwise_packed_row(const rt_kernel_t *k, int32_t row);

/* One row of `count` channels (at least 1). in: d; channels, which d names as well; x, the first
 * channel at the first column of the window's upper row: three rows are read. out: y, the first
 * channel of the row's first output. */
void rt_depthwise_channels(const rt_depthwise_t *d, const rt_depthwise_channel_t *channels,
                           int32_t count, const int8_t *x, int8_t *y);

/* The same in portable C, which is what other targets than Cortex-M0+ run. */
void rt_depthwise_channels_portable(const rt_depthwise_t *d, const rt_depthwise_channel_t *channels,
                                    int32_t count, const int8_t *x, int8_t *y);

/* What the machine code asks where one multiply does not tell. in: next, the channel behind the
 * one in question; distance, its sum less its `first`. */
int32_t rt_depthwise_decide(const rt_depthwise_t *d, const rt_depthwise_channel_t *next,
                            int32_t distance);

/* Whether a layer is of the kind that can be packed: 3x3, strides along the row 1 or 2, at most one
 * row or column of padding on each side. in: a layer whose window is sound. */
static inline int rt_depthwise_fits(const rt_layer_t *l, const rt_tensor_t *in,
                                    const rt_tensor_t *out) {
  const int32_t below = (out->height - 1) * l->stride_height - l->pad_top + 3 - in->height;
  const int32_t right = (out->width - 1) * l->stride_width - l->pad_left + 3 - in->width;
  return l->kernel_height == 3 && l->kernel_width == 3 && l->stride_width <= 2 && l->pad_top <= 1 &&
         l->pad_left <= 1 && below <= 1 && right <= 1 && in->height >= 3 && in->channels >= 2;
}

#endif
