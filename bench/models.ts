/**
 * Models of a single layer in the shapes of the keyword network, and inputs for them. Weights,
 * scales and activations are distributed as those of trained layers: bell-shaped weights with one
 * of 127 a channel, inputs behind a ReLU, outputs that fill their range.
 */
import {
  RELU,
  activation,
  addOperator,
  convOperator,
  denseOperator,
  depthwiseOperator,
  int32s,
  int8s,
  poolOperator,
  softmaxOperator,
} from '../test/compiler/models.ts';
import { Random } from '../test/support/random.ts';
import { TYPE, type ModelSpec, type TensorSpec } from '../test/support/tflite-writer.ts';

const INPUT_SCALE = Math.fround(0.0235);
const BEHIND_RELU = -128;
/** Standard deviation of the inputs before the ReLU, in steps. */
const INPUT_SPREAD = 60;

interface LayerSpec {
  input: [number, number, number];
  output: [number, number, number];
  kernel?: [number, number];
  stride?: [number, number];
  /** Zero point of the input: BEHIND_RELU, or what features have. */
  inputZero?: number;
  isRelu?: boolean;
}

/** Bell-shaped, the largest of each channel 127. */
function weights(random: Random, shape: number[], axis: number): Int8Array {
  const channels = shape[axis] ?? 1;
  const count = shape.reduce((a, b) => a * b, 1);
  const raw = Float64Array.from({ length: count }, () => random.bell());
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const channelOf = (i: number): number => Math.floor(i / inner) % channels;
  const largest = new Float64Array(channels);
  raw.forEach((value, i) => {
    const c = channelOf(i);
    largest[c] = Math.max(largest[c] ?? 0, Math.abs(value));
  });
  return Int8Array.from(raw, (value, i) =>
    Math.round((127 * value) / (largest[channelOf(i)] || 1)),
  );
}

/** Weights, bias, and an output whose range the sums fill. */
function weighted(seed: number, spec: LayerSpec, shape: number[], axis: number): TensorSpec[] {
  const random = new Random(seed);
  const channels = shape[axis] ?? 1;
  const data = weights(random, shape, axis);
  const scales = Array.from({ length: channels }, () =>
    Math.fround(random.between(200, 600) / 100_000),
  );
  const fanIn = data.length / channels;
  const square = data.reduce((sum, w) => sum + w * w, 0) / data.length;
  // Of x behind a ReLU: half of the values are 0, the others bell-shaped.
  const spread = Math.sqrt(fanIn * square) * INPUT_SPREAD * Math.SQRT1_2;
  const middle = (scales.reduce((a, b) => a + b, 0) / channels) * INPUT_SCALE;
  const outputScale = Math.fround((spread * middle * 3) / (spec.isRelu === false ? 128 : 255));
  const bias = Array.from({ length: channels }, () => Math.round(random.bell() * spread * 0.2));
  return [
    activation('input', [1, ...spec.input], INPUT_SCALE, spec.inputZero ?? BEHIND_RELU),
    { name: 'weights', shape, type: TYPE.int8, scales, dimension: axis, data: int8s(data) },
    {
      name: 'bias',
      shape: [channels],
      type: TYPE.int32,
      scales: scales.map((scale) => Math.fround(scale * INPUT_SCALE)),
      data: int32s(bias),
    },
    activation('output', [1, ...spec.output], outputScale, spec.isRelu === false ? 0 : -128),
  ];
}

const single = (tensors: TensorSpec[], operator: ModelSpec['operators'][0]): ModelSpec => ({
  tensors,
  operators: [operator],
  inputs: [0],
  outputs: [tensors.length - 1],
});

function convolution(seed: number, spec: LayerSpec): ModelSpec {
  const shape = [spec.output[2], ...(spec.kernel ?? [1, 1]), spec.input[2]];
  const window = { stride: spec.stride, activation: RELU };
  return single(weighted(seed, spec, shape, 0), convOperator([0, 1, 2], 3, window));
}

function depthwise(seed: number, spec: LayerSpec): ModelSpec {
  const shape = [1, ...(spec.kernel ?? [3, 3]), spec.input[2]];
  const window = { stride: spec.stride, activation: RELU };
  return single(weighted(seed, spec, shape, 3), depthwiseOperator([0, 1, 2], 3, window));
}

/** No activation: a classifier's logits, of which none may be skipped. */
function dense(seed: number, inputs: number, outputs: number): ModelSpec {
  const spec: LayerSpec = { input: [1, 1, inputs], output: [1, 1, outputs], isRelu: false };
  const tensors = weighted(seed, spec, [outputs, inputs], 0).map((t) =>
    t.name === 'input' || t.name === 'output' ? { ...t, shape: [1, t.shape[3] ?? 1] } : t,
  );
  return single(tensors, denseOperator([0, 1, 2], 3));
}

/** A dense layer and softmax: the head of a keyword network by itself. */
export function classifierModel(inputs: number, classes: number): ModelSpec {
  const { tensors, operators } = dense(11, inputs, classes);
  const output = activation('probabilities', [1, classes], 1 / 256, -128);
  return {
    tensors: [...tensors, output],
    operators: [...operators, softmaxOperator(3, 4)],
    inputs: [0],
    outputs: [4],
  };
}

function pool(): ModelSpec {
  const tensors = [
    activation('input', [1, 25, 5, 64], INPUT_SCALE, BEHIND_RELU),
    activation('output', [1, 1, 1, 64], INPUT_SCALE, BEHIND_RELU),
  ];
  return single(tensors, poolOperator(0, 1, [25, 5], { padding: 1, stride: [25, 5] }));
}

/** The compiler adds computed tensors only: the sum of a convolution and of its input's pooling. */
function sum(): ModelSpec {
  const map: [number, number, number] = [25, 5, 64];
  const tensors = [
    activation('input', [1, ...map], INPUT_SCALE, BEHIND_RELU),
    activation('copy', [1, ...map], INPUT_SCALE, BEHIND_RELU),
    activation('output', [1, ...map], Math.fround(INPUT_SCALE * 1.7), BEHIND_RELU),
  ];
  const operators = [poolOperator(0, 1, [1, 1]), addOperator([0, 1], 2, RELU)];
  return { tensors, operators, inputs: [0], outputs: [2] };
}

function softmax(classes: number): ModelSpec {
  const tensors = [
    activation('input', [1, classes], Math.fround(0.11), 12),
    activation('output', [1, classes], 1 / 256, -128),
  ];
  return single(tensors, softmaxOperator(0, 1));
}

export interface SingleLayer {
  name: string;
  what: string;
  spec: () => ModelSpec;
  /** Position of the layer that is measured; 0 unless it needs others before it. */
  layer?: number;
}

const MAP: [number, number, number] = [25, 5, 64];
const FEATURES: [number, number, number] = [49, 10, 1];

export const SINGLE_LAYERS: SingleLayer[] = [
  { name: 'fc-256x64', what: 'fully connected 256 to 64', spec: () => dense(1, 256, 64) },
  {
    name: 'pointwise-25x5x64',
    what: 'convolution 1x1, 25x5x64 to 64, ReLU',
    spec: () => convolution(2, { input: MAP, output: MAP }),
  },
  {
    name: 'depthwise-25x5x64',
    what: 'depthwise 3x3 on 25x5x64, ReLU',
    spec: () => depthwise(3, { input: MAP, output: MAP }),
  },
  {
    name: 'conv-10x4',
    what: 'convolution 10x4 stride 2, 49x10x1 to 25x5x64, ReLU',
    spec: () =>
      convolution(4, {
        input: FEATURES,
        output: MAP,
        kernel: [10, 4],
        stride: [2, 2],
        inputZero: 3,
      }),
  },
  {
    name: 'depthwise-s2-25x5x64',
    what: 'depthwise 3x3 stride 2 on 25x5x64, ReLU',
    spec: () => depthwise(5, { input: MAP, output: [13, 3, 64], stride: [2, 2] }),
  },
  {
    name: 'conv-3x3-8x8x32',
    what: 'convolution 3x3, 8x8x32 to 32, ReLU',
    spec: () => convolution(6, { input: [8, 8, 32], output: [8, 8, 32], kernel: [3, 3] }),
  },
  { name: 'avgpool-25x5x64', what: 'average over 25x5, 64 channels', spec: pool },
  { name: 'add-25x5x64', what: 'sum of two maps of 25x5x64', spec: sum, layer: 1 },
  { name: 'softmax-12', what: 'softmax over 12 classes', spec: () => softmax(12) },
];

const clamp = (v: number): number => Math.max(-128, Math.min(127, Math.round(v)));

/** As a trained layer sees it: bell-shaped, behind a ReLU where the zero point is -128. */
export function typicalInput(seed: number, size: number, zeroPoint: number): Int8Array {
  const random = new Random(seed);
  return Int8Array.from({ length: size }, () => {
    return clamp(zeroPoint + INPUT_SPREAD * random.bell());
  });
}

/** -128 and 127 at random: the sums are as large as they can be. */
export function extremeInput(seed: number, size: number): Int8Array {
  const random = new Random(seed);
  return Int8Array.from({ length: size }, () => (random.oneIn(2) ? -128 : 127));
}
