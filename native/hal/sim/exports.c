/*
 * What the simulator's host (sim/engine.ts) needs beside the functions of native/'s headers, all of
 * which are exported: sizes, addresses and the layout of structures, and the checked start of an
 * engine on a model image that the host has placed in memory.
 */
#include "exports.h"

#include <stddef.h>

#include "engine/check.h"

uint32_t rt_sim_engine_bytes(void) { return sizeof(rt_engine_t); }

rt_status_t rt_sim_engine_init(rt_engine_t *engine, const rt_model_t *model, const void *image,
                               uint32_t image_bytes, void *arena, uint32_t arena_bytes) {
  const rt_status_t status = rt_model_check(model, image, image_bytes);
  if (status != RT_OK) return status;
  return rt_engine_init(engine, model, arena, arena_bytes);
}

#define AT(type, member) (int32_t) offsetof(type, member)

static const int32_t layout[] = {sizeof(rt_real_t),
                                 AT(rt_real_t, mantissa),
                                 AT(rt_real_t, exponent),

                                 sizeof(rt_tensor_t),
                                 AT(rt_tensor_t, offset_bytes),
                                 AT(rt_tensor_t, height),
                                 AT(rt_tensor_t, width),
                                 AT(rt_tensor_t, channels),
                                 AT(rt_tensor_t, zero_point),
                                 AT(rt_tensor_t, scale),

                                 sizeof(rt_add_t),
                                 AT(rt_add_t, left_shift),
                                 AT(rt_add_t, input1_multiplier),
                                 AT(rt_add_t, input1_shift),
                                 AT(rt_add_t, input2_multiplier),
                                 AT(rt_add_t, input2_shift),
                                 AT(rt_add_t, output_multiplier),
                                 AT(rt_add_t, output_shift),

                                 sizeof(rt_softmax_t),
                                 AT(rt_softmax_t, multiplier),
                                 AT(rt_softmax_t, left_shift),
                                 AT(rt_softmax_t, diff_min),

                                 sizeof(rt_layer_t),
                                 AT(rt_layer_t, op),
                                 AT(rt_layer_t, input),
                                 AT(rt_layer_t, input2),
                                 AT(rt_layer_t, output),
                                 AT(rt_layer_t, kernel_height),
                                 AT(rt_layer_t, kernel_width),
                                 AT(rt_layer_t, stride_height),
                                 AT(rt_layer_t, stride_width),
                                 AT(rt_layer_t, pad_top),
                                 AT(rt_layer_t, pad_left),
                                 AT(rt_layer_t, activation_min),
                                 AT(rt_layer_t, activation_max),
                                 AT(rt_layer_t, weights),
                                 AT(rt_layer_t, bias),
                                 AT(rt_layer_t, multiplier),
                                 AT(rt_layer_t, shift),
                                 AT(rt_layer_t, weight_scale),
                                 AT(rt_layer_t, add),
                                 AT(rt_layer_t, softmax),

                                 sizeof(rt_model_t),
                                 AT(rt_model_t, magic),
                                 AT(rt_model_t, version),
                                 AT(rt_model_t, hash),
                                 AT(rt_model_t, arena_bytes),
                                 AT(rt_model_t, tensor_count),
                                 AT(rt_model_t, tensors),
                                 AT(rt_model_t, layer_count),
                                 AT(rt_model_t, layers),
                                 AT(rt_model_t, input_tensor),
                                 AT(rt_model_t, output_tensor),
                                 AT(rt_model_t, adapter),

                                 sizeof(rt_dsp_quant_t),
                                 AT(rt_dsp_quant_t, mean),
                                 AT(rt_dsp_quant_t, multiplier),
                                 AT(rt_dsp_quant_t, shift),
                                 AT(rt_dsp_quant_t, zero_point),

                                 -1};

const int32_t *rt_sim_layout(void) { return layout; }
