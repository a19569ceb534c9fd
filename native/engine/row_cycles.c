/*
 * What a row takes on a Cortex-M0+ (rt_engine_row_cycles): work is cut by it before it is done, and
 * the simulator's clock runs by it. Costs are those of the kernels with the compiler's tables,
 * counted on the emulated RP2040; without them a layer takes two to three times as long.
 */
#include "engine.h"

#define LIMIT 0x3fffffffu /* a second and more: 32 bits end */

/* Of matrix times vector: pair_dot.c and what matmul.c does around it. */
#define MATMUL_QUAD 40u   /* four products of four rows */
#define MATMUL_BLOCK 21u  /* four rows of a piece */
#define MATMUL_EXPAND 15u /* four activations, once a group of rows */
#define MATMUL_PIECE 100u /* of 64 columns, once a group of rows */
#define MATMUL_PIXEL 180u
#define MATMUL_OUTPUT 20u /* requantised */
#define GATHER_TAP 12u    /* a window copied together */
#define GATHER_WINDOW 150u

#define DEPTHWISE_3X3_PAIR 111u /* two columns of a channel */
#define DEPTHWISE_3X3_PAIR_STRIDE 158u
#define DEPTHWISE_TAP_Q2 38u /* other windows; in quarters */
#define DEPTHWISE_OUTPUT 75u
#define POOL_TAP_Q3 25u /* in eighths */
#define POOL_OUTPUT 85u
#define ADD_OUTPUT 26u
#define SOFTMAX_ROW 500u
#define SOFTMAX_OUTPUT 330u

static uint32_t pixel_cycles(uint32_t length, uint32_t channels) {
  const uint32_t quads = (length + 3u) >> 2;
  const uint32_t pieces = (length + 63u) >> 6;
  const uint32_t blocks = (channels + 3u) >> 2;
  const uint32_t groups = (channels + 63u) >> 6;
  return blocks * (quads * MATMUL_QUAD + pieces * MATMUL_BLOCK) +
         groups * (quads * MATMUL_EXPAND + pieces * MATMUL_PIECE) + channels * MATMUL_OUTPUT +
         MATMUL_PIXEL;
}

static uint32_t conv_cycles(const rt_layer_t *l, const rt_tensor_t *in, const rt_tensor_t *out) {
  const uint32_t taps = (uint32_t)(l->kernel_height * l->kernel_width);
  const uint32_t length = taps * (uint32_t)in->channels;
  const uint32_t gather = taps > 1 ? length * GATHER_TAP + GATHER_WINDOW : 0;
  return (uint32_t)out->width * (pixel_cycles(length, (uint32_t)out->channels) + gather);
}

static uint32_t depthwise_cycles(const rt_layer_t *l, const rt_tensor_t *out) {
  const uint32_t width = (uint32_t)out->width;
  const uint32_t channels = (uint32_t)out->channels;
  if (l->kernel_height == 3 && l->kernel_width == 3) {
    const uint32_t pair = l->stride_width == 1 ? DEPTHWISE_3X3_PAIR : DEPTHWISE_3X3_PAIR_STRIDE;
    return ((width + 1u) >> 1) * channels * pair;
  }
  const uint32_t taps = (uint32_t)(l->kernel_height * l->kernel_width);
  return width * channels * (((taps * DEPTHWISE_TAP_Q2) >> 2) + DEPTHWISE_OUTPUT);
}

uint32_t rt_engine_row_cycles(const rt_engine_t *engine, uint32_t layer) {
  const rt_layer_t *l = &engine->model->layers[layer];
  const rt_tensor_t *in = &engine->model->tensors[l->input];
  const rt_tensor_t *out = &engine->model->tensors[l->output];
  const uint32_t outputs = (uint32_t)(out->width * out->channels);
  if (rt_engine_row_macs(engine, layer) >> 25) return LIMIT;
  switch (l->op) {
    case RT_OP_CONV_2D:
      return conv_cycles(l, in, out);
    case RT_OP_FULLY_CONNECTED:
      return pixel_cycles((uint32_t)(in->height * in->width * in->channels), outputs);
    case RT_OP_DEPTHWISE_CONV_2D:
      return depthwise_cycles(l, out);
    case RT_OP_AVERAGE_POOL_2D:
      return ((rt_engine_row_macs(engine, layer) * POOL_TAP_Q3) >> 3) + outputs * POOL_OUTPUT;
    case RT_OP_ADD:
      return outputs * ADD_OUTPUT;
    default:
      return outputs * SOFTMAX_OUTPUT + SOFTMAX_ROW;
  }
}
