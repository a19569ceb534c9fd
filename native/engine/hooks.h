/*
 * Hooks into an inference: how adapters add to a layer and how training keeps what it needs.
 *
 * The engine without hooks is plain TensorFlow Lite. With hooks, the owner of the context sees the
 * accumulators of chosen layers before they are requantised, and every output row of chosen layers
 * once it is written.
 */
#ifndef RT_ENGINE_HOOKS_H
#define RT_ENGINE_HOOKS_H

#include <stdint.h>

/* What wants() may ask for; or-ed. */
#define RT_HOOK_PIXEL 1u /* CONV_2D and FULLY_CONNECTED only: pixel() for every output pixel */
#define RT_HOOK_ROW 2u   /* any layer: row() after every output row */

/* A packed matrix (pair_rows.h) that the hook's owner wants multiplied with each pixel's patch. */
typedef struct {
  const uint32_t *packed; /* NULL: none */
  int32_t *acc;           /* [4 * blocks], filled before pixel() is called */
  uint32_t blocks;        /* of 4 rows */
} rt_layer_side_t;

typedef struct rt_layer_hooks {
  void *context;

  /* Scratch of the hook's owner: one int32 a channel of the widest layer with RT_HOOK_PIXEL. */
  int32_t *accumulators;

  /* Set by wants() for the layer that it is asked about. Done by layers with packed weights, whose
   * input the kernel prepares anyway; not by others. */
  rt_layer_side_t side;

  /* Asked once before every output row of a layer. Returns RT_HOOK_* bits, 0 for none. */
  uint32_t (*wants)(void *context, uint32_t layer);

  /* in: x, the input pixel [input channels] of a 1x1 convolution, the whole flat input of a fully
   * connected layer, NULL for a larger kernel. in-out: acc [output channels], the complete int32
   * accumulators (bias and zero point included) of output pixel `pixel` = row * width + column, in
   * units of input scale times the channel's weight scale. What is added there is requantised with
   * the rest. Sums wrap modulo 2^32: the adder keeps its part in range. */
  void (*pixel)(void *context, uint32_t layer, uint32_t pixel, const int8_t *x, int32_t *acc);

  /* Output row `row` of the layer is complete in the output tensor. The last row is height - 1. */
  void (*row)(void *context, uint32_t layer, uint32_t row);
} rt_layer_hooks_t;

#endif
