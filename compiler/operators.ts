/** Lowering of one operator: its checks, its tables and its numbers. */
import { LIMIT, type ActivationTensor, type ModelChecks, type WeightTensor } from './checks.ts';
import type { Interner } from './intern.ts';
import type { ArrayTable, StructTable } from './layout.ts';
import { RtAdd, RtReal, RtSoftmax, type OpName } from './model.ts';
import {
  SOFTMAX_LEAST_SCALE,
  activationRange,
  addParameters,
  convolutionScale,
  denseScale,
  exactReal,
  quantizeMultiplier,
  softmaxParameters,
  windowSize,
  type Range,
} from './quantize.ts';
import { OPERATOR, type Activation } from './schema.ts';
import type { Options, TfOperator, Window } from './tflite.ts';

export interface LayerTables {
  weights?: ArrayTable;
  bias?: ArrayTable;
  multiplier?: ArrayTable;
  shift?: ArrayTable;
  weightScale?: StructTable;
  add?: StructTable;
  softmax?: StructTable;
}

interface Kernel {
  kernelHeight: number;
  kernelWidth: number;
  strideHeight: number;
  strideWidth: number;
  padTop: number;
  padLeft: number;
}

export interface LayerParts extends Partial<Kernel> {
  op: OpName;
  inputs: ActivationTensor[];
  output: ActivationTensor;
  range: Range;
  macs: number;
  tables: LayerTables;
}

const CONVERT_AGAIN = 'convert the model again';
const MAX_KERNEL = LIMIT.side;

/** Lowers any supported operator but RESHAPE. */
export function lowerOperator(
  checks: ModelChecks,
  interner: Interner,
  operator: TfOperator,
): LayerParts {
  switch (operator.code) {
    case OPERATOR.CONV_2D:
      return convolution(checks, interner, operator);
    case OPERATOR.DEPTHWISE_CONV_2D:
      return depthwise(checks, interner, operator);
    case OPERATOR.FULLY_CONNECTED:
      return fullyConnected(checks, interner, operator);
    case OPERATOR.AVERAGE_POOL_2D:
      return averagePool(checks, operator);
    case OPERATOR.ADD:
      return add(checks, interner, operator);
    case OPERATOR.SOFTMAX:
      return softmax(checks, interner, operator);
    default:
      throw checks.error(operator, undefined, 'this operator is not supported', CONVERT_AGAIN);
  }
}

function optionsOf<K extends Options['kind']>(
  checks: ModelChecks,
  operator: TfOperator,
  kind: K,
): Extract<Options, { kind: K }> {
  const { options } = operator;
  if (options.kind !== kind) {
    throw checks.error(operator, undefined, 'its options are missing', CONVERT_AGAIN);
  }
  return options as Extract<Options, { kind: K }>;
}

function rangeOf(
  checks: ModelChecks,
  operator: TfOperator,
  activation: Activation,
  output: ActivationTensor,
): Range {
  if (activation !== 'NONE' && activation !== 'RELU' && activation !== 'RELU6') {
    const what = `the fused activation ${activation} is not supported`;
    throw checks.wrong(operator, output.index, what, 'use none, ReLU or ReLU6');
  }
  const range = activationRange(activation, output.scale, output.zeroPoint);
  if (range.min > range.max) {
    const what = `the fused ${activation} leaves no value in the output's range`;
    throw checks.wrong(operator, output.index, what, 'calibrate the quantisation with real data');
  }
  return range;
}

/** Strides, padding and the output's extent, which must be that of the output tensor. */
function kernelOf(
  checks: ModelChecks,
  operator: TfOperator,
  window: Window,
  size: { height: number; width: number },
  input: ActivationTensor,
  output: ActivationTensor,
): Kernel {
  const { padding, strideHeight, strideWidth } = window;
  const extents = [size.height, size.width, strideHeight, strideWidth];
  if (extents.some((extent) => extent < 1 || extent > MAX_KERNEL)) {
    const what = `has kernel ${size.height}x${size.width}, stride ${strideHeight}x${strideWidth}`;
    throw checks.error(operator, undefined, what, `keep each from 1 to ${MAX_KERNEL}`);
  }
  const vertical = windowSize(padding, input.height, size.height, strideHeight);
  const horizontal = windowSize(padding, input.width, size.width, strideWidth);
  if (vertical.output !== output.height || horizontal.output !== output.width) {
    const what =
      `has shape ${output.height}x${output.width}, but the operator gives ` +
      `${vertical.output}x${horizontal.output}`;
    throw checks.wrong(operator, output.index, what, CONVERT_AGAIN);
  }
  return {
    kernelHeight: size.height,
    kernelWidth: size.width,
    strideHeight,
    strideWidth,
    padTop: vertical.padding,
    padLeft: horizontal.padding,
  };
}

function noDilation(checks: ModelChecks, operator: TfOperator, dilation: [number, number]): void {
  if (dilation[0] === 1 && dilation[1] === 1) return;
  const what = `has dilation ${dilation.join('x')}`;
  throw checks.error(operator, undefined, what, 'use dilation 1');
}

/** The weights seen channel by channel: offset of the first value, and from one to the next. */
interface ChannelOrder {
  channels: number;
  perChannel: number;
  first: (channel: number) => number;
  step: number;
}

interface Weighted {
  operator: TfOperator;
  weights: WeightTensor;
  input: ActivationTensor;
  output: ActivationTensor;
  order: ChannelOrder;
  /** Product of scales over the output's, in the operator's own precision. */
  scale: (input: number, weight: number, output: number) => number;
}

function weightedTables(checks: ModelChecks, interner: Interner, layer: Weighted): LayerTables {
  const { operator, weights, input, output, order } = layer;
  const { channels } = order;
  checks.patch(operator, order.perChannel);
  const weightScale = (c: number): number => weights.scales[weights.scales.length > 1 ? c : 0] ?? 0;
  const products = (c: number): number => input.scale * weightScale(c);
  const bias = checks.bias(operator, channels, products, output.scale);
  const multiplier = new Int32Array(channels);
  const shift = new Int32Array(channels);
  for (let c = 0; c < channels; c++) {
    const effective = layer.scale(input.scale, weightScale(c), output.scale);
    const quantized = quantizeMultiplier(effective);
    checkMultiplier(checks, layer, c, effective, quantized.shift);
    const sums = channelSums(weights.values, order, c);
    checkAccumulator(checks, layer, c, sums, bias[c] ?? 0, quantized.shift);
    bias[c] = (bias[c] ?? 0) - input.zeroPoint * sums.sum;
    multiplier[c] = quantized.multiplier;
    shift[c] = quantized.shift;
  }
  const name = `operator${operator.index}`;
  const reals = Array.from({ length: channels }, (_, c) => ({ ...exactReal(weightScale(c)) }));
  return {
    weights: interner.array({
      name: `${name}_weights`,
      type: 'int8_t',
      values: weights.values,
      comment: `weights ${weights.shape.join('x')} of ${operator.name} "${output.name}"`,
    }),
    bias: interner.array({ name: `${name}_bias`, type: 'int32_t', values: bias }),
    multiplier: interner.array({ name: `${name}_multiplier`, type: 'int32_t', values: multiplier }),
    shift: interner.array({ name: `${name}_shift`, type: 'int32_t', values: shift }),
    weightScale: interner.structure(`${name}_weight_scale`, RtReal, reals),
  };
}

/** The engine shifts left by 30 at most. */
const MAX_SHIFT = 30;

function checkMultiplier(
  checks: ModelChecks,
  layer: Weighted,
  channel: number,
  effective: number,
  shift: number,
): void {
  if (Number.isFinite(effective) && shift <= MAX_SHIFT) return;
  const what = `the scale of channel ${channel} over the output's is ${effective}, too large`;
  const change = 'calibrate the quantisation with real data';
  throw checks.wrong(layer.operator, layer.operator.inputs[1], what, change);
}

interface Sums {
  sum: number;
  magnitude: number;
}

function channelSums(values: Int8Array, order: ChannelOrder, channel: number): Sums {
  let sum = 0;
  let magnitude = 0;
  let at = order.first(channel);
  for (let i = 0; i < order.perChannel; i++, at += order.step) {
    const value = values[at] ?? 0;
    sum += value;
    magnitude += Math.abs(value);
  }
  return { sum, magnitude };
}

/** No input may overflow the 32-bit accumulator, nor its left shift before requantisation. */
function checkAccumulator(
  checks: ModelChecks,
  layer: Weighted,
  channel: number,
  sums: Sums,
  bias: number,
  shift: number,
): void {
  const { operator, input } = layer;
  const folded = Math.abs(bias - input.zeroPoint * sums.sum) + 128 * sums.magnitude;
  const direct = Math.abs(bias) + 255 * sums.magnitude;
  const worst = Math.max(folded, direct) * 2 ** Math.max(0, shift);
  if (worst < 2 ** 31) return;
  throw checks.wrong(
    operator,
    operator.inputs[1],
    `the 32-bit accumulator of channel ${channel} can overflow`,
    'check the bias and the scales: calibrate the quantisation with real data',
  );
}

function convolution(checks: ModelChecks, interner: Interner, operator: TfOperator): LayerParts {
  checks.arity(operator, 2, 3);
  const options = optionsOf(checks, operator, 'conv2d');
  noDilation(checks, operator, options.dilation);
  const input = checks.inputOf(operator, 0);
  const output = checks.outputOf(operator);
  const weights = checks.weights(operator, 4, 0);
  const [channels = 0, height = 0, width = 0, depth = 0] = weights.shape;
  if (depth !== input.channels || channels !== output.channels) {
    throw mismatch(checks, operator, weights, input, output);
  }
  const kernel = kernelOf(checks, operator, options, { height, width }, input, output);
  const perChannel = height * width * depth;
  const order = { channels, perChannel, first: (c: number) => c * perChannel, step: 1 };
  const scale = convolutionScale;
  return {
    op: 'CONV_2D',
    inputs: [input],
    output,
    ...kernel,
    range: rangeOf(checks, operator, options.activation, output),
    macs: output.height * output.width * channels * perChannel,
    tables: weightedTables(checks, interner, { operator, weights, input, output, order, scale }),
  };
}

function mismatch(
  checks: ModelChecks,
  operator: TfOperator,
  weights: WeightTensor,
  input: ActivationTensor,
  output: ActivationTensor,
): Error {
  const what =
    `the weights ${weights.shape.join('x')} do not fit ${input.channels} input and ` +
    `${output.channels} output channels`;
  return checks.wrong(operator, operator.inputs[1], what, `${CONVERT_AGAIN}, without groups`);
}

function depthwise(checks: ModelChecks, interner: Interner, operator: TfOperator): LayerParts {
  checks.arity(operator, 2, 3);
  const options = optionsOf(checks, operator, 'depthwiseConv2d');
  noDilation(checks, operator, options.dilation);
  const input = checks.inputOf(operator, 0);
  const output = checks.outputOf(operator);
  const weights = checks.weights(operator, 4, 3);
  const [one = 0, height = 0, width = 0, channels = 0] = weights.shape;
  const fromOne = one === 1 && input.channels === 1;
  if (!fromOne && (options.multiplier > 1 || (one === 1 && channels !== input.channels))) {
    const what = `has ${channels} channels from ${input.channels}: a depth multiplier`;
    throw checks.error(operator, undefined, what, 'use depth multiplier 1, or CONV_2D');
  }
  if (one !== 1 || channels !== output.channels) {
    throw mismatch(checks, operator, weights, input, output);
  }
  const kernel = kernelOf(checks, operator, options, { height, width }, input, output);
  const perChannel = height * width;
  // From one input channel any depth multiplier is an ordinary convolution.
  const convolved = fromOne && channels > 1;
  const order = convolved
    ? { channels, perChannel, first: (c: number) => c * perChannel, step: 1 }
    : { channels, perChannel, first: (c: number) => c, step: channels };
  const layer = {
    operator,
    weights: convolved ? channelsFirst(weights) : weights,
    input,
    output,
    order,
    scale: convolutionScale,
  };
  return {
    op: convolved ? 'CONV_2D' : 'DEPTHWISE_CONV_2D',
    inputs: [input],
    output,
    ...kernel,
    range: rangeOf(checks, operator, options.activation, output),
    macs: output.height * output.width * channels * perChannel,
    tables: weightedTables(checks, interner, layer),
  };
}

/** Depthwise weights [1][height][width][channels] as those of a convolution of one channel. */
function channelsFirst(weights: WeightTensor): WeightTensor {
  const [, height = 0, width = 0, channels = 0] = weights.shape;
  const taps = height * width;
  const values = Int8Array.from({ length: taps * channels }, (_, i) => {
    return weights.values[(i % taps) * channels + Math.floor(i / taps)] ?? 0;
  });
  return { ...weights, shape: [channels, height, width, 1], values };
}

function fullyConnected(checks: ModelChecks, interner: Interner, operator: TfOperator): LayerParts {
  checks.arity(operator, 2, 3);
  const options = optionsOf(checks, operator, 'fullyConnected');
  if (options.weightsFormat !== 0) {
    throw checks.error(operator, undefined, 'its weights are shuffled', CONVERT_AGAIN);
  }
  const input = checks.inputOf(operator, 0);
  const output = checks.outputOf(operator);
  const weights = checks.weights(operator, 2, 0);
  const [channels = 0, depth = 0] = weights.shape;
  const elements = input.height * input.width * input.channels;
  const outputs = output.height * output.width * output.channels;
  if (depth !== elements || outputs !== channels || output.channels !== channels) {
    const what = `the weights ${channels}x${depth} do not fit ${elements} inputs, ${outputs} outputs`;
    throw checks.wrong(operator, operator.inputs[1], what, 'flatten the input, with batch 1');
  }
  const order = { channels, perChannel: depth, first: (c: number) => c * depth, step: 1 };
  const scale = weights.scales.length > 1 ? convolutionScale : denseScale;
  return {
    op: 'FULLY_CONNECTED',
    inputs: [input],
    output,
    range: rangeOf(checks, operator, options.activation, output),
    macs: channels * depth,
    tables: weightedTables(checks, interner, { operator, weights, input, output, order, scale }),
  };
}

function averagePool(checks: ModelChecks, operator: TfOperator): LayerParts {
  checks.arity(operator, 1, 1);
  const options = optionsOf(checks, operator, 'pool2d');
  const input = checks.inputOf(operator, 0);
  const output = checks.outputOf(operator);
  if (input.channels !== output.channels) {
    const what = `has ${output.channels} channels from ${input.channels}`;
    throw checks.wrong(operator, output.index, what, CONVERT_AGAIN);
  }
  checks.sameQuantization(operator, input, output);
  const size = { height: options.filterHeight, width: options.filterWidth };
  const kernel = kernelOf(checks, operator, options, size, input, output);
  return {
    op: 'AVERAGE_POOL_2D',
    inputs: [input],
    output,
    ...kernel,
    range: rangeOf(checks, operator, options.activation, output),
    macs: output.height * output.width * output.channels * size.height * size.width,
    tables: {},
  };
}

function add(checks: ModelChecks, interner: Interner, operator: TfOperator): LayerParts {
  checks.arity(operator, 2, 2);
  const activation = operator.options.kind === 'add' ? operator.options.activation : 'NONE';
  const first = checks.inputOf(operator, 0);
  const second = checks.inputOf(operator, 1);
  const output = checks.outputOf(operator);
  for (const input of [first, second]) {
    const same =
      input.height === output.height &&
      input.width === output.width &&
      input.channels === output.channels;
    if (same) continue;
    const what = 'has another shape than the output';
    throw checks.wrong(operator, input.index, what, 'add tensors of one shape, no broadcasting');
  }
  const parameters = addParameters(first.scale, second.scale, output.scale);
  if (parameters.output_shift > 0) {
    const what = 'has a scale that is too small for the sum';
    throw checks.wrong(operator, output.index, what, 'calibrate the quantisation with real data');
  }
  return {
    op: 'ADD',
    inputs: [first, second],
    output,
    range: rangeOf(checks, operator, activation, output),
    macs: output.height * output.width * output.channels,
    tables: { add: interner.structure(`operator${operator.index}_add`, RtAdd, [parameters]) },
  };
}

function softmax(checks: ModelChecks, interner: Interner, operator: TfOperator): LayerParts {
  checks.arity(operator, 1, 1);
  const { beta } = optionsOf(checks, operator, 'softmax');
  const input = checks.inputOf(operator, 0);
  const output = checks.outputOf(operator);
  if (input.height !== 1 || input.width !== 1 || input.channels !== output.channels) {
    const what = 'is not one row of scores';
    throw checks.wrong(operator, input.index, what, 'apply SOFTMAX to 1 x classes');
  }
  if (input.channels > LIMIT.classes) {
    const what = `has ${input.channels} classes, at most ${LIMIT.classes} are possible`;
    throw checks.wrong(operator, input.index, what, 'use fewer classes');
  }
  if (output.scale !== 1 / 256 || output.zeroPoint !== -128) {
    const what = `has scale ${output.scale}, zero point ${output.zeroPoint}`;
    throw checks.wrong(operator, output.index, what, 'SOFTMAX needs scale 1/256, zero point -128');
  }
  if (!(beta > 0) || !(beta * input.scale > SOFTMAX_LEAST_SCALE)) {
    const what = `has beta ${beta} with input scale ${input.scale}`;
    throw checks.wrong(operator, input.index, what, 'use beta 1 and calibrate with real data');
  }
  const parameters = softmaxParameters(beta, input.scale);
  if (parameters.left_shift > MAX_SHIFT) {
    const what = `has scale ${input.scale}, too large for SOFTMAX`;
    throw checks.wrong(operator, input.index, what, 'calibrate the quantisation with real data');
  }
  const table = interner.structure(`operator${operator.index}_softmax`, RtSoftmax, [parameters]);
  return {
    op: 'SOFTMAX',
    inputs: [input],
    output,
    range: { min: -128, max: 127 },
    macs: input.channels,
    tables: { softmax: table },
  };
}
