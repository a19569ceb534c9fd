/*
 * sizeof and offsetof of the structures that compiler/ writes, for the test that compares them with
 * the schemas there.
 */
#include <stddef.h>

#include "dsp/mfcc.h"
#include "engine/adapter.h"
#include "engine/model.h"
#include "exports.h"

#define SIZE(type) (int32_t)sizeof(type)
#define AT(type, member) (int32_t) offsetof(type, member)

static const int32_t layout[] = {SIZE(rt_real_t),
                                 AT(rt_real_t, mantissa),
                                 AT(rt_real_t, exponent),

                                 SIZE(rt_tensor_t),
                                 AT(rt_tensor_t, offset_bytes),
                                 AT(rt_tensor_t, height),
                                 AT(rt_tensor_t, width),
                                 AT(rt_tensor_t, channels),
                                 AT(rt_tensor_t, zero_point),
                                 AT(rt_tensor_t, scale),

                                 SIZE(rt_add_t),
                                 AT(rt_add_t, left_shift),
                                 AT(rt_add_t, input1_multiplier),
                                 AT(rt_add_t, input1_shift),
                                 AT(rt_add_t, input2_multiplier),
                                 AT(rt_add_t, input2_shift),
                                 AT(rt_add_t, output_multiplier),
                                 AT(rt_add_t, output_shift),

                                 SIZE(rt_softmax_t),
                                 AT(rt_softmax_t, multiplier),
                                 AT(rt_softmax_t, left_shift),
                                 AT(rt_softmax_t, diff_min),

                                 SIZE(rt_layer_t),
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

                                 SIZE(rt_model_t),
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

                                 SIZE(rt_dsp_quant_t),
                                 AT(rt_dsp_quant_t, mean),
                                 AT(rt_dsp_quant_t, multiplier),
                                 AT(rt_dsp_quant_t, shift),
                                 AT(rt_dsp_quant_t, zero_point),

                                 SIZE(rt_adapter_group_t),
                                 AT(rt_adapter_group_t, rows),
                                 AT(rt_adapter_group_t, columns),
                                 AT(rt_adapter_group_t, first),
                                 AT(rt_adapter_group_t, exponent),
                                 AT(rt_adapter_group_t, spread_q8),
                                 AT(rt_adapter_group_t, unit),

                                 SIZE(rt_adapter_tap_t),
                                 AT(rt_adapter_tap_t, layer),
                                 AT(rt_adapter_tap_t, first),

                                 SIZE(rt_adapter_site_t),
                                 AT(rt_adapter_site_t, layer),
                                 AT(rt_adapter_site_t, hidden_shift),
                                 AT(rt_adapter_site_t, input_scale),
                                 AT(rt_adapter_site_t, ratio),
                                 AT(rt_adapter_site_t, inverse_weight_scale),

                                 SIZE(rt_adapter_mask_t),
                                 AT(rt_adapter_mask_t, layer),
                                 AT(rt_adapter_mask_t, offset_bytes),

                                 SIZE(rt_adapter_step_t),
                                 AT(rt_adapter_step_t, layer),
                                 AT(rt_adapter_step_t, site),
                                 AT(rt_adapter_step_t, bound),
                                 AT(rt_adapter_step_t, producer),
                                 AT(rt_adapter_step_t, input_mask),
                                 AT(rt_adapter_step_t, output_mask),

                                 SIZE(rt_adapter_buffer_t),
                                 AT(rt_adapter_buffer_t, offset_bytes),
                                 AT(rt_adapter_buffer_t, bytes),

                                 SIZE(rt_adapter_plan_t),
                                 AT(rt_adapter_plan_t, method),
                                 AT(rt_adapter_plan_t, rank),
                                 AT(rt_adapter_plan_t, hash),
                                 AT(rt_adapter_plan_t, classes),
                                 AT(rt_adapter_plan_t, head_layer),
                                 AT(rt_adapter_plan_t, head_inputs),
                                 AT(rt_adapter_plan_t, logit_scale),
                                 AT(rt_adapter_plan_t, inverse_logit_scale),
                                 AT(rt_adapter_plan_t, head_scale),
                                 AT(rt_adapter_plan_t, tap_count),
                                 AT(rt_adapter_plan_t, taps),
                                 AT(rt_adapter_plan_t, tap_channels),
                                 AT(rt_adapter_plan_t, site_count),
                                 AT(rt_adapter_plan_t, sites),
                                 AT(rt_adapter_plan_t, step_count),
                                 AT(rt_adapter_plan_t, steps),
                                 AT(rt_adapter_plan_t, mask_count),
                                 AT(rt_adapter_plan_t, masks),
                                 AT(rt_adapter_plan_t, group_count),
                                 AT(rt_adapter_plan_t, groups),
                                 AT(rt_adapter_plan_t, parameter_count),
                                 AT(rt_adapter_plan_t, payload),
                                 AT(rt_adapter_plan_t, vector),
                                 AT(rt_adapter_plan_t, logits),
                                 AT(rt_adapter_plan_t, scratch),
                                 AT(rt_adapter_plan_t, snapshot),
                                 AT(rt_adapter_plan_t, state),
                                 AT(rt_adapter_plan_t, residual),
                                 AT(rt_adapter_plan_t, momentum),
                                 AT(rt_adapter_plan_t, gradient),
                                 AT(rt_adapter_plan_t, order),
                                 AT(rt_adapter_plan_t, cache),
                                 AT(rt_adapter_plan_t, windows),
                                 AT(rt_adapter_plan_t, signal),
                                 AT(rt_adapter_plan_t, pooled),
                                 AT(rt_adapter_plan_t, outputs),
                                 AT(rt_adapter_plan_t, sums),
                                 AT(rt_adapter_plan_t, plane),

                                 -1};

const int32_t *rt_sim_layout(void) { return layout; }
