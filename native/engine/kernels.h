/*
 * The layer kernels, one file a kind. Each computes one output row; the engine drives them.
 *
 * All trust the tables: rt_model_check has verified every index, size and range that they use.
 *
 * Rows are computed in rising order, and the output may lie over input rows that have been read
 * (compiler/overlap.ts): for output row y and all behind it a kernel reads input rows from
 * y * stride_height - pad_top on alone, writes nothing behind row y, and keeps nothing of the input
 * from one row to the next. FULLY_CONNECTED has its output apart.
 */
#ifndef RT_ENGINE_KERNELS_H
#define RT_ENGINE_KERNELS_H

#include "hooks.h"
#include "model.h"

/* A layer with its tensors resolved, as the kernels see it. */
typedef struct {
  const rt_layer_t *layer;
  const rt_tensor_t *input;
  const rt_tensor_t *output;
  const int8_t *x;  /* input bytes, NHWC */
  const int8_t *x2; /* second input of ADD, else NULL */
  const rt_tensor_t *input2;
  int8_t *y;                     /* output bytes, NHWC */
  uint32_t index;                /* of the layer, for the hooks */
  const rt_layer_hooks_t *hooks; /* NULL unless this layer's accumulators are wanted */
} rt_kernel_t;

void rt_conv_row(const rt_kernel_t *k, int32_t row);
void rt_depthwise_row(const rt_kernel_t *k, int32_t row);
void rt_dense_row(const rt_kernel_t *k, int32_t row);
void rt_pool_row(const rt_kernel_t *k, int32_t row);
void rt_add_row(const rt_kernel_t *k, int32_t row);
void rt_softmax_row(const rt_kernel_t *k, int32_t row);

/* Accumulators [count] of one pixel, from channel `first` on, to output values [count]. */
void rt_requantise_pixel(const rt_layer_t *layer, const rt_tensor_t *output, int32_t first,
                         int32_t count, const int32_t *acc, int8_t *y);

#endif
