/** Every message about a .tflite that cannot be compiled: it names file, operator and tensor. */
import { describe, expect, test } from 'vitest';
import { RetuneError } from '../../cli/error.ts';
import { compileModel } from '../../compiler/compile.ts';
import { TYPE, writeTflite, type ModelSpec, type TensorSpec } from '../support/tflite-writer.ts';
import {
  RELU,
  VALID,
  activation,
  addOperator,
  compileSpec,
  convOperator,
  convolutionModel,
  denseModel,
  depthwiseOperator,
  int32s,
  int8s,
  poolOperator,
  reshapeOperator,
  softmaxOperator,
  withOperator,
  withTensor,
} from './models.ts';

const conv = (): ModelSpec =>
  convolutionModel({ input: [5, 4, 2], weights: [3, 3, 3, 2], output: [5, 4, 3] });
const depthwise = (): ModelSpec =>
  convolutionModel({ input: [5, 4, 3], weights: [1, 3, 3, 3], output: [5, 4, 3] }, true);
const dense = (): ModelSpec => denseModel({ inputs: 6, outputs: 4 });
const softmax = (): ModelSpec => denseModel({ inputs: 6, outputs: 4, softmax: true });

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(RetuneError);
    return (error as RetuneError).message;
  }
  throw new Error('there was no error');
}

const failure = (spec: ModelSpec): string => messageOf(() => compileSpec(spec));

/** Two tensors through one operator without weights. */
function two(from: TensorSpec, to: TensorSpec, operator: ModelSpec['operators'][0]): ModelSpec {
  return { tensors: [from, to], operators: [operator], inputs: [0], outputs: [1] };
}

const cases: [string, () => ModelSpec, RegExp][] = [
  [
    'an unknown operator',
    () => withOperator(conv(), 0, { code: 17 }),
    /^test\.tflite: operator 0 MAX_POOL_2D, tensor 3 "output": this operator is not supported; build the model from CONV_2D, /,
  ],
  [
    'an operator of a later schema',
    () => withOperator(conv(), 0, { code: 203 }),
    /operator 0 operator number 203, tensor 3 "output": this operator is not supported; build/,
  ],
  [
    'a custom operator',
    () => withOperator(conv(), 0, { code: 32, custom: 'Mine' }),
    /operator 0 custom operator "Mine", tensor 3 "output": this operator is not supported; build/,
  ],
  [
    'QUANTIZE in the middle',
    () => withOperator(conv(), 0, { code: 114 }),
    /operator 0 QUANTIZE, .*not supported; it may stand only at the model's input or output/,
  ],
  [
    'a float model',
    () => {
      const spec = dense();
      const float = { type: TYPE.float32, scales: undefined, data: undefined };
      spec.tensors = spec.tensors.map((t) => ({ ...t, ...float }));
      return spec;
    },
    /^test\.tflite: tensor 0 "input": the model is float32 here, not int8; convert with full integer/,
  ],
  [
    'float weights',
    () => withTensor(dense(), 1, { type: TYPE.float32, data: new Uint8Array(96) }),
    /operator 0 FULLY_CONNECTED, tensor 1 "weights": the model is float32 here, not int8; convert/,
  ],
  [
    'another type',
    () => withTensor(conv(), 3, { type: 3 }),
    /operator 0 CONV_2D, tensor 3 "output": is uint8, not int8; convert with/,
  ],
  [
    'a missing quantisation',
    () => withTensor(conv(), 3, { scales: undefined }),
    /operator 0 CONV_2D, tensor 3 "output": has no quantisation .*; convert with/,
  ],
  ...[0, -1, NaN, Infinity].map((scale): [string, () => ModelSpec, RegExp] => [
    `scale ${scale}`,
    () => withTensor(conv(), 3, { scales: [scale] }),
    /tensor 3 "output": has a scale that is not a positive number; convert/,
  ]),
  [
    'a zero point outside int8',
    () => withTensor(conv(), 3, { zeroPoint: 128 }),
    /tensor 3 "output": has zero point 128, outside -128 to 127; convert/,
  ],
  [
    'activations quantised per channel',
    () => withTensor(conv(), 3, { scales: [0.1, 0.2, 0.3] }),
    /tensor 3 "output": is an activation with 3 scales; quantise activations per tensor/,
  ],
  [
    'weights quantised along the wrong axis',
    () => withTensor(conv(), 1, { dimension: 3 }),
    /operator 0 CONV_2D, tensor 1 "weights": the weights are quantised along axis 3, not 0; quantise per output channel/,
  ],
  [
    'depthwise weights quantised along the wrong axis',
    () => withTensor(depthwise(), 1, { dimension: 0 }),
    /operator 0 DEPTHWISE_CONV_2D, tensor 1 "weights": .* along axis 0, not 3; quantise/,
  ],
  [
    'too few weight scales',
    () => withTensor(conv(), 1, { scales: [0.1, 0.2] }),
    /tensor 1 "weights": the weights have 2 scales for 3 channels; quantise/,
  ],
  [
    'asymmetric weights',
    () => withTensor(conv(), 1, { zeroPoint: 4 }),
    /tensor 1 "weights": the weights have a zero point other than 0; quantise weights symm/,
  ],
  [
    'weights that are not constant',
    () => withTensor(conv(), 1, { data: undefined }),
    /tensor 1 "weights": the weights are not constant; convert the model with its weights frozen/,
  ],
  [
    'weights of another rank',
    () => withTensor(conv(), 1, { shape: [27, 2] }),
    /tensor 1 "weights": the weights have shape 27x2, not 4 dimensions; convert/,
  ],
  [
    'weights that do not fit (groups)',
    () => withTensor(conv(), 1, { shape: [3, 3, 6, 1] }),
    /tensor 1 "weights": the weights 3x3x6x1 do not fit 2 input and 3 output channels; convert/,
  ],
  [
    'a float bias',
    () => withTensor(conv(), 2, { type: TYPE.float32 }),
    /tensor 2 "bias": the bias is float32; the bias is constant int32/,
  ],
  [
    'a bias that is not constant',
    () => withTensor(conv(), 2, { data: undefined }),
    /tensor 2 "bias": the bias is not constant; the bias is constant int32/,
  ],
  [
    'a bias of another length',
    () => withTensor(conv(), 2, { shape: [2], data: int32s([1, 2]), scales: undefined }),
    /tensor 2 "bias": the bias has 2 values for 3 channels; convert/,
  ],
  [
    'a bias of another scale',
    () => withTensor(conv(), 2, { scales: [1] }),
    /tensor 2 "bias": the bias scale of channel 0 is not input scale times weight scale; convert/,
  ],
  [
    'a bias with a zero point',
    () => withTensor(conv(), 2, { zeroPoint: 1 }),
    /tensor 2 "bias": the bias has a zero point other than 0; convert/,
  ],
  [
    'an accumulator that overflows',
    () => withTensor(conv(), 2, { data: int32s([0, 2 ** 31 - 1, 0]) }),
    /tensor 1 "weights": the 32-bit accumulator of channel 1 can overflow; check the bias/,
  ],
  [
    'scales too far apart',
    () => withTensor(withTensor(conv(), 3, { scales: [1e-20] }), 2, { scales: undefined }),
    /tensor 1 "weights": the scale of channel 0 over the output's is .*, too large; calibrate/,
  ],
  [
    'another output shape',
    () => withTensor(conv(), 3, { shape: [1, 4, 4, 3] }),
    /operator 0 CONV_2D, tensor 3 "output": has shape 4x4, but the operator gives 5x4; convert/,
  ],
  [
    'a kernel that does not fit with VALID padding',
    () => withOperator(conv(), 0, convOperator([0, 1, 2], 3, { padding: VALID, stride: [9, 9] })),
    /tensor 3 "output": has shape 5x4, but the operator gives 1x1; convert/,
  ],
  [
    'batch 2',
    () => withTensor(conv(), 0, { shape: [2, 5, 4, 2] }),
    /^test\.tflite: tensor 0 "input": has batch 2 in its shape 2x5x4x2; convert with a fixed/,
  ],
  [
    'a dynamic shape',
    () => withTensor(conv(), 0, { shapeSignature: [-1, -1, 4, 2] }),
    /tensor 0 "input": has a dynamic or empty shape \(-1x-1x4x2\); convert with a fixed/,
  ],
  [
    'an empty shape',
    () => withTensor(conv(), 0, { shape: [1, 0, 4, 2] }),
    /tensor 0 "input": has a dynamic or empty shape \(1x0x4x2\); convert with a fixed/,
  ],
  [
    'five dimensions',
    () => withTensor(conv(), 0, { shape: [1, 1, 5, 4, 2] }),
    /tensor 0 "input": has 5 dimensions; use shapes of 1 to 4 dimensions/,
  ],
  [
    'a tensor beyond the engine',
    () => withTensor(conv(), 0, { shape: [1, 5000, 4, 2] }),
    /tensor 0 "input": has shape 1x5000x4x2, which is too large for the engine; use a smaller/,
  ],
  [
    'dilation',
    () => withOperator(conv(), 0, convOperator([0, 1, 2], 3, { dilation: [2, 1] })),
    /^test\.tflite: operator 0 CONV_2D: has dilation 2x1; use dilation 1/,
  ],
  [
    'stride 0',
    () => withOperator(conv(), 0, convOperator([0, 1, 2], 3, { stride: [0, 1] })),
    /operator 0 CONV_2D: has kernel 3x3, stride 0x1; keep each from 1 to/,
  ],
  [
    'another fused activation',
    () => withOperator(conv(), 0, convOperator([0, 1, 2], 3, { activation: 4 })),
    /tensor 3 "output": the fused activation TANH is not supported; use none, ReLU or ReLU6/,
  ],
  [
    'missing options',
    () => withOperator(conv(), 0, { optionsType: 0 }),
    /operator 0 CONV_2D: its options are missing; convert the model again/,
  ],
  [
    'too few inputs',
    () => withOperator(conv(), 0, { inputs: [0] }),
    /operator 0 CONV_2D: has 1 inputs and 1 outputs; it takes 2 to 3 and gives one/,
  ],
  [
    'a depth multiplier',
    () => withOperator(depthwise(), 0, depthwiseOperator([0, 1, 2], 3, {}, 2)),
    /operator 0 DEPTHWISE_CONV_2D: .* a depth multiplier; use depth multiplier 1, or CONV_2D/,
  ],
  [
    'a dense layer over a batch',
    () => withTensor(dense(), 0, { shape: [1, 2, 3, 6] }),
    /operator 0 FULLY_CONNECTED, tensor 1 "weights": the weights 4x6 do not fit 36 inputs, 4 outputs; flatten/,
  ],
  [
    'shuffled weights',
    () => {
      const options = [{ index: 1, kind: 'i8' as const, value: 1 }];
      return withOperator(dense(), 0, { options });
    },
    /operator 0 FULLY_CONNECTED: its weights are shuffled; convert/,
  ],
  [
    'pooling that requantises',
    () =>
      two(
        activation('input', [1, 4, 4, 2], 0.1),
        activation('output', [1, 2, 2, 2], 0.2),
        poolOperator(0, 1, [2, 2], { stride: [2, 2] }),
      ),
    /operator 0 AVERAGE_POOL_2D, tensor 1 "output": input and output have different scales or zero points; this operator keeps them/,
  ],
  [
    'pooling to other channels',
    () =>
      two(
        activation('input', [1, 4, 4, 2]),
        activation('output', [1, 2, 2, 3]),
        poolOperator(0, 1, [2, 2], { stride: [2, 2] }),
      ),
    /tensor 1 "output": has 3 channels from 2; convert/,
  ],
  [
    'a reshape that requantises',
    () =>
      two(activation('a', [1, 6], 0.1, 1), activation('b', [1, 2, 3, 1], 0.1, 2), {
        ...reshapeOperator(0, 1),
      }),
    /operator 0 RESHAPE, tensor 1 "b": input and output have different scales or zero points/,
  ],
  [
    'a reshape to another size',
    () => two(activation('a', [1, 6]), activation('b', [1, 7]), reshapeOperator(0, 1)),
    /operator 0 RESHAPE, tensor 1 "b": reshapes 6 elements to 7; keep the number of elements/,
  ],
  [
    'a model of reshapes only',
    () => two(activation('a', [1, 6]), activation('b', [1, 3, 2, 1]), reshapeOperator(0, 1)),
    /^test\.tflite: the model computes nothing; give a trained model/,
  ],
  [
    'ADD of other shapes',
    () => {
      const spec = conv();
      spec.tensors.push(activation('sum', [1, 5, 4, 3]));
      spec.operators.push(addOperator([0, 3], 4));
      return { ...spec, outputs: [4] };
    },
    /operator 1 ADD, tensor 0 "input": has another shape than the output; add tensors of one shape/,
  ],
  [
    'ADD of a constant',
    () => {
      const data = int8s(new Int8Array(60));
      const constant = { ...activation('constant', [1, 5, 4, 3]), data };
      const spec = conv();
      spec.tensors.push(activation('sum', [1, 5, 4, 3]), constant);
      spec.operators.push(addOperator([3, 5], 4, RELU));
      return { ...spec, outputs: [4] };
    },
    /operator 1 ADD, tensor 5 "constant": this input is a constant where a computed tensor is/,
  ],
  [
    'SOFTMAX with another output scale',
    () => withTensor(softmax(), 4, { scales: [0.01] }),
    /operator 1 SOFTMAX, tensor 4 "output": has scale 0\.0\d+, zero point -128; SOFTMAX needs scale 1\/256/,
  ],
  [
    'SOFTMAX with beta 0',
    () => withOperator(softmax(), 1, softmaxOperator(3, 4, 0)),
    /operator 1 SOFTMAX, tensor 3 "logits": has beta 0 with input scale .*; use beta 1/,
  ],
  [
    'SOFTMAX of an image',
    () =>
      two(
        activation('scores', [1, 2, 2, 3]),
        activation('output', [1, 2, 2, 3], 1 / 256, -128),
        softmaxOperator(0, 1),
      ),
    /operator 0 SOFTMAX, tensor 0 "scores": is not one row of scores; apply SOFTMAX to 1 x classes/,
  ],
  [
    'SOFTMAX over too many classes',
    () =>
      two(
        activation('scores', [1, 600]),
        activation('output', [1, 600], 1 / 256, -128),
        softmaxOperator(0, 1),
      ),
    /tensor 0 "scores": has 600 classes, at most 511 are possible; use fewer classes/,
  ],
  [
    'two inputs',
    () => ({ ...conv(), inputs: [0, 1] }),
    /^test\.tflite: the model has 2 inputs; convert a model with one input/,
  ],
  [
    'no output',
    () => ({ ...conv(), outputs: [] }),
    /^test\.tflite: the model has 0 outputs; convert a model with one output/,
  ],
  [
    'an output that nothing computes',
    () => ({ ...conv(), outputs: [1] }),
    /^test\.tflite: tensor 1 "weights": no operator computes this output; convert it again/,
  ],
  [
    'an operator before its input',
    () => {
      const spec = softmax();
      return { ...spec, operators: [...spec.operators].reverse() };
    },
    /operator 0 SOFTMAX, tensor 3 "logits": this input is not computed by an earlier operator; conv/,
  ],
  [
    'a tensor written twice',
    () => {
      const spec = conv();
      return { ...spec, operators: [...spec.operators, ...spec.operators] };
    },
    /operator 1 CONV_2D, tensor 3 "output": this tensor is written twice; convert/,
  ],
];

describe('a model that cannot be compiled', () => {
  test.each(cases)('%s', (_, spec, message) => {
    expect(failure(spec())).toMatch(message);
  });

  test('the unchanged models compile', () => {
    for (const spec of [conv(), depthwise(), dense(), softmax()]) compileSpec(spec);
  });
});

describe('ends of the model', () => {
  test('QUANTIZE at the input and DEQUANTIZE at the output are left out', () => {
    const spec = conv();
    const float = { type: TYPE.float32, scales: undefined };
    spec.tensors.push(
      { name: 'float input', shape: [1, 5, 4, 2], ...float },
      { name: 'float output', shape: [1, 5, 4, 3], ...float },
    );
    const end = { optionsType: 0, options: [] };
    spec.operators.unshift({ code: 114, inputs: [4], outputs: [0], ...end });
    spec.operators.push({ code: 6, inputs: [3], outputs: [5], ...end });
    const { model } = compileSpec({ ...spec, inputs: [4], outputs: [5] });
    expect(model.layers.map((layer) => layer.op)).toEqual(['CONV_2D']);
    expect(model.tensors.map((tensor) => tensor.name)).toEqual(['input', 'output']);
  });

  test('a batch of unknown size is taken as 1', () => {
    const spec = withTensor(conv(), 0, { shapeSignature: [-1, 5, 4, 2] });
    expect(compileSpec(spec).model.layers).toHaveLength(1);
  });
});

describe('bytes that are no model', () => {
  const fail = (bytes: Uint8Array): string =>
    messageOf(() => compileModel(bytes, 'folder/x.tflite'));

  test('an empty file', () => {
    expect(fail(new Uint8Array(0))).toMatch(/^folder\/x\.tflite: 0 bytes are too few/);
  });

  test('another file', () => {
    const bytes = new TextEncoder().encode('{"this is": "not a model"}');
    expect(fail(bytes)).toMatch(/^folder\/x\.tflite: not a TensorFlow Lite model .*; give the/);
  });

  test('every truncation is one RetuneError', () => {
    const bytes = writeTflite(softmax());
    for (let length = 0; length < bytes.length; length++) {
      expect(fail(bytes.subarray(0, length))).toMatch(/^folder\/x\.tflite: /);
    }
    expect(fail(bytes.subarray(0, bytes.length - 40))).toMatch(
      /the \.tflite is truncated or damaged: .*; copy or convert it again/,
    );
  });

  test('many tables that share one long vector do not multiply the work', () => {
    // Forty tensors with 301 dimensions each; then all become the same quarter of a million.
    const spec = dense();
    const shapeSignature = Array<number>(301).fill(1);
    for (let i = 0; i < 40; i++) {
      spec.tensors.push({ ...activation(`unused ${i}`, [1, 2]), shapeSignature });
    }
    const bytes = writeTflite(spec);
    const grown = new Uint8Array(bytes.length + 4 + 4 * 250_000);
    grown.set(bytes);
    const view = new DataView(grown.buffer);
    view.setUint32(bytes.length, 250_000, true);
    let changed = 0;
    for (let at = 0; at + 4 <= bytes.length; at += 4) {
      const target = at + view.getUint32(at, true);
      if (target + 4 > bytes.length || target % 4 !== 0) continue;
      if (view.getUint32(target, true) !== 301) continue;
      view.setUint32(at, bytes.length - at, true);
      changed += 1;
    }
    expect(changed).toBeGreaterThanOrEqual(40);
    expect(fail(grown)).toMatch(/^folder\/x\.tflite: .* its tables overlap each other; copy or/);
  });
});
