/** The structures of native/engine/model.h. */
import { i32, named, nested, pointer, struct, u32 } from './layout.ts';

export const MODEL_MAGIC = 0x31745254;
export const MODEL_VERSION = 1;
/** RT_NONE: no such tensor, layer or site. */
export const NONE = 0xffffffff;

const OP_NAMES = {
  1: 'RT_OP_CONV_2D',
  2: 'RT_OP_DEPTHWISE_CONV_2D',
  3: 'RT_OP_FULLY_CONNECTED',
  4: 'RT_OP_AVERAGE_POOL_2D',
  5: 'RT_OP_ADD',
  6: 'RT_OP_SOFTMAX',
} as const;

export const OP = {
  CONV_2D: 1,
  DEPTHWISE_CONV_2D: 2,
  FULLY_CONNECTED: 3,
  AVERAGE_POOL_2D: 4,
  ADD: 5,
  SOFTMAX: 6,
} as const;
export type OpName = keyof typeof OP;

const HEADER = 'engine/model.h';
const index = named({ [NONE]: 'RT_NONE' });

export const RtReal = struct('rt_real_t', HEADER, { mantissa: i32, exponent: i32 });

export const RtTensor = struct('rt_tensor_t', HEADER, {
  offset_bytes: u32,
  height: i32,
  width: i32,
  channels: i32,
  zero_point: i32,
  scale: nested(RtReal),
});

export const RtAdd = struct('rt_add_t', HEADER, {
  left_shift: i32,
  input1_multiplier: i32,
  input1_shift: i32,
  input2_multiplier: i32,
  input2_shift: i32,
  output_multiplier: i32,
  output_shift: i32,
});

export const RtSoftmax = struct('rt_softmax_t', HEADER, {
  multiplier: i32,
  left_shift: i32,
  diff_min: i32,
});

export const RtLayer = struct('rt_layer_t', HEADER, {
  op: named(OP_NAMES),
  input: u32,
  input2: index,
  output: u32,
  kernel_height: i32,
  kernel_width: i32,
  stride_height: i32,
  stride_width: i32,
  pad_top: i32,
  pad_left: i32,
  activation_min: i32,
  activation_max: i32,
  weights: pointer('int8_t'),
  bias: pointer('int32_t'),
  multiplier: pointer('int32_t'),
  shift: pointer('int32_t'),
  weight_scale: pointer('rt_real_t'),
  add: pointer('rt_add_t'),
  softmax: pointer('rt_softmax_t'),
  packed: pointer('uint32_t'),
  quick: pointer('int32_t'),
});

export const RtModel = struct('rt_model_t', HEADER, {
  magic: named({ [MODEL_MAGIC]: 'RT_MODEL_MAGIC' }),
  version: named({ [MODEL_VERSION]: 'RT_MODEL_VERSION' }),
  hash: u32,
  arena_bytes: u32,
  tensor_count: u32,
  tensors: pointer('rt_tensor_t'),
  layer_count: u32,
  layers: pointer('rt_layer_t'),
  input_tensor: u32,
  output_tensor: u32,
  adapter: pointer('rt_adapter_plan_t'),
});

/** All structures of model.h, in the order of the layout test. */
export const MODEL_STRUCTS = [RtReal, RtTensor, RtAdd, RtSoftmax, RtLayer, RtModel];
