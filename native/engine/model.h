/*
 * The compiled model: constant tables that compiler/ writes and the engine reads in place.
 *
 * The same tables are emitted twice by compiler/emit: as C source for firmware builds, and as a
 * 32-bit little-endian memory image with relocated pointers for the simulator. Every member is
 * therefore a 32-bit word or a pointer, so that the layout is the same on every 32-bit target.
 * test/compiler checks the layout against sizeof and offsetof of the built engine.
 *
 * Shapes are NHWC with batch 1. Quantisation follows the TensorFlow Lite 8-bit specification:
 * real = scale * (q - zero_point); weights are symmetric (zero point 0).
 */
#ifndef RT_ENGINE_MODEL_H
#define RT_ENGINE_MODEL_H

#include <stdint.h>

#define RT_MODEL_MAGIC 0x31745254u /* "TRt1" in memory */
#define RT_MODEL_VERSION 1u
#define RT_NONE 0xffffffffu /* no such tensor, layer or site */

/* A positive real constant without a float: mantissa * 2^(exponent - 31), mantissa in
 * [2^30, 2^31). Exact for every float32 scale of a .tflite. */
typedef struct {
  int32_t mantissa;
  int32_t exponent;
} rt_real_t;

typedef enum {
  RT_OP_CONV_2D = 1,           /* weights [out][kernel_height][kernel_width][in] */
  RT_OP_DEPTHWISE_CONV_2D = 2, /* weights [kernel_height][kernel_width][channels], multiplier 1 */
  RT_OP_FULLY_CONNECTED = 3,   /* weights [out][in]; the input is read flat */
  RT_OP_AVERAGE_POOL_2D = 4,
  RT_OP_ADD = 5,
  RT_OP_SOFTMAX = 6
} rt_op_t;

/* An activation tensor in the arena, int8. RESHAPE is resolved by the compiler: its output is the
 * same bytes as its input. */
typedef struct {
  uint32_t offset_bytes; /* from the start of the arena, a multiple of 4 */
  int32_t height;
  int32_t width;
  int32_t channels;
  int32_t zero_point; /* -128..127 */
  rt_real_t scale;
} rt_tensor_t;

/* RT_OP_ADD: both inputs are shifted left by left_shift, rescaled, added, and rescaled to the
 * output (TensorFlow Lite's quantised ADD, left_shift = 20). */
typedef struct {
  int32_t left_shift;
  int32_t input1_multiplier;
  int32_t input1_shift;
  int32_t input2_multiplier;
  int32_t input2_shift;
  int32_t output_multiplier;
  int32_t output_shift;
} rt_add_t;

/* RT_OP_SOFTMAX: TensorFlow Lite's fixed-point softmax with 5 integer bits for the scaled
 * difference; differences below diff_min give probability 0. */
typedef struct {
  int32_t multiplier;
  int32_t left_shift;
  int32_t diff_min;
} rt_softmax_t;

typedef struct {
  uint32_t op;     /* rt_op_t */
  uint32_t input;  /* index into rt_model_t.tensors */
  uint32_t input2; /* RT_OP_ADD only, else RT_NONE */
  uint32_t output;
  int32_t kernel_height; /* of convolutions and pooling, else 1 */
  int32_t kernel_width;
  int32_t stride_height;
  int32_t stride_width;
  int32_t pad_top; /* zero padding as TensorFlow Lite's SAME or VALID computes it */
  int32_t pad_left;
  int32_t activation_min; /* clamp of the quantised output */
  int32_t activation_max;
  const int8_t *weights; /* NULL where the op has none */
  /* [channels] TensorFlow Lite's bias minus input zero point times the sum of the channel's
   * weights, so that the kernel adds weight * q without subtracting the zero point. A tap in the
   * padding counts as q = input zero point. */
  const int32_t *bias;
  const int32_t *multiplier;     /* [channels] Q31, input_scale*weight_scale/output_scale */
  const int32_t *shift;          /* [channels] positive is left, as in TensorFlow Lite */
  const rt_real_t *weight_scale; /* [channels] a per-tensor scale is repeated */
  const rt_add_t *add;           /* RT_OP_ADD only */
  const rt_softmax_t *softmax;   /* RT_OP_SOFTMAX only */
  /* The weights and the bias once more, in the order of a board's kernel: pair_dot.h for CONV_2D
   * and FULLY_CONNECTED, depthwise.h for DEPTHWISE_CONV_2D. NULL: the kernel takes `weights`. */
  const uint32_t *packed;
  /* Per channel, what requantise.h prepares to be quick; NULL: multiplier and shift alone. */
  const int32_t *quick;
} rt_layer_t;

struct rt_adapter_plan; /* native/engine/adapter.h: adapter slots and training buffers */

typedef struct {
  uint32_t magic;
  uint32_t version;
  uint32_t hash;        /* of the .tflite file: first four bytes of its SHA-256, little-endian */
  uint32_t arena_bytes; /* peak of the plan, inference and training together */
  uint32_t tensor_count;
  const rt_tensor_t *tensors;
  uint32_t layer_count;
  const rt_layer_t *layers; /* in order of execution */
  uint32_t input_tensor;
  uint32_t output_tensor;
  const struct rt_adapter_plan *adapter; /* NULL: inference only */
} rt_model_t;

#endif
