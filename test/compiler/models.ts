/** Small models for tests of the compiler: a specification that each test bends as it needs. */
import { compileModel, type CompiledModel, type CompileOptions } from '../../compiler/compile.ts';
import { Random } from '../support/random.ts';
import {
  TYPE,
  writeTflite,
  type ModelSpec,
  type OperatorSpec,
  type OptionField,
  type TensorSpec,
} from '../support/tflite-writer.ts';

export const SAME = 0;
export const VALID = 1;
export const NONE = 0;
export const RELU = 1;
export const RELU6 = 3;

export const int8s = (values: ArrayLike<number>): Uint8Array =>
  new Uint8Array(Int8Array.from(values).buffer);
export const int32s = (values: ArrayLike<number>): Uint8Array =>
  new Uint8Array(Int32Array.from(values).buffer);

export function activation(name: string, shape: number[], scale = 0.05, zeroPoint = 3): TensorSpec {
  return { name, shape, type: TYPE.int8, scales: [scale], zeroPoint };
}

const options = (kinds: string, values: number[]): OptionField[] =>
  values.map((value, index) => {
    const kind = ({ b: 'i8', i: 'i32', f: 'f32' } as const)[kinds[index] as 'b' | 'i' | 'f'];
    return { index, kind, value };
  });

export interface WindowSpec {
  padding?: number;
  stride?: [number, number];
  activation?: number;
  dilation?: [number, number];
}

export function convOperator(inputs: number[], output: number, w: WindowSpec = {}): OperatorSpec {
  const [sh, sw] = w.stride ?? [1, 1];
  const [dh, dw] = w.dilation ?? [1, 1];
  const values = [w.padding ?? SAME, sw, sh, w.activation ?? NONE, dw, dh];
  return {
    code: 3,
    inputs,
    outputs: [output],
    optionsType: 1,
    options: options('biibii', values),
  };
}

export function depthwiseOperator(
  inputs: number[],
  output: number,
  w: WindowSpec = {},
  multiplier = 1,
): OperatorSpec {
  const [sh, sw] = w.stride ?? [1, 1];
  const values = [w.padding ?? SAME, sw, sh, multiplier, w.activation ?? NONE, 1, 1];
  return {
    code: 4,
    inputs,
    outputs: [output],
    optionsType: 2,
    options: options('biiibii', values),
  };
}

export function denseOperator(inputs: number[], output: number, fused = NONE): OperatorSpec {
  const fields = options('bb', [fused, 0]);
  return { code: 9, inputs, outputs: [output], optionsType: 8, options: fields };
}

export function poolOperator(
  input: number,
  output: number,
  filter: [number, number],
  w: WindowSpec = {},
): OperatorSpec {
  const [sh, sw] = w.stride ?? [1, 1];
  const values = [w.padding ?? SAME, sw, sh, filter[1], filter[0], w.activation ?? NONE];
  return {
    code: 1,
    inputs: [input],
    outputs: [output],
    optionsType: 5,
    options: options('biiiib', values),
  };
}

export function addOperator(inputs: number[], output: number, fused = NONE): OperatorSpec {
  return {
    code: 0,
    inputs,
    outputs: [output],
    optionsType: 11,
    options: options('b', [fused]),
  };
}

export function reshapeOperator(input: number, output: number): OperatorSpec {
  return { code: 22, inputs: [input], outputs: [output], optionsType: 0, options: [] };
}

export function softmaxOperator(input: number, output: number, beta = 1): OperatorSpec {
  const fields = options('f', [beta]);
  return { code: 25, inputs: [input], outputs: [output], optionsType: 9, options: fields };
}

export interface WeightedSpec {
  input: [number, number, number];
  /** [out, height, width, in] of a convolution, [1, height, width, channels] depthwise. */
  weights: number[];
  output: [number, number, number];
  perChannel?: boolean;
  window?: WindowSpec;
  withoutBias?: boolean;
  inputZeroPoint?: number;
  seed?: number;
}

/** One convolution or depthwise convolution with random weights and biases. */
export function convolutionModel(spec: WeightedSpec, depthwise = false): ModelSpec {
  const random = new Random(spec.seed ?? 1);
  const axis = depthwise ? 3 : 0;
  const channels = spec.weights[axis] ?? 1;
  const count = spec.weights.reduce((a, b) => a * b, 1);
  const inputScale = Math.fround(0.04);
  const scales = Array.from({ length: spec.perChannel === false ? 1 : channels }, () =>
    Math.fround(random.between(2, 9) / 1000),
  );
  const bias: TensorSpec = {
    name: 'bias',
    shape: [channels],
    type: TYPE.int32,
    scales: scales.map((scale) => Math.fround(scale * inputScale)),
    data: int32s(Array.from({ length: channels }, () => random.between(-900, 900))),
  };
  const tensors: TensorSpec[] = [
    activation('input', [1, ...spec.input], inputScale, spec.inputZeroPoint ?? -7),
    {
      name: 'weights',
      shape: spec.weights,
      type: TYPE.int8,
      scales,
      dimension: axis,
      data: int8s(Array.from({ length: count }, () => random.int8())),
    },
    bias,
    activation('output', [1, ...spec.output], 0.09, 5),
  ];
  const inputs = spec.withoutBias === true ? [0, 1] : [0, 1, 2];
  const operator = depthwise
    ? depthwiseOperator(inputs, 3, spec.window, channels / spec.input[2])
    : convOperator(inputs, 3, spec.window);
  return { tensors, operators: [operator], inputs: [0], outputs: [3] };
}

export interface DenseSpec {
  inputs: number;
  outputs: number;
  perChannel?: boolean;
  fused?: number;
  /** Ends in SOFTMAX. */
  softmax?: boolean;
  seed?: number;
}

/** One dense layer with random weights; scales whose product is not a float32. */
export function denseModel(spec: DenseSpec): ModelSpec {
  const random = new Random(spec.seed ?? 1);
  const scales = Array.from({ length: spec.perChannel === true ? spec.outputs : 1 }, () =>
    Math.fround(0.0101 + random.below(1000) * 1.7e-6),
  );
  const weights = Array.from({ length: spec.inputs * spec.outputs }, () => random.int8());
  const model: ModelSpec = {
    tensors: [
      activation('input', [1, spec.inputs], 0.0331, -20),
      {
        name: 'weights',
        shape: [spec.outputs, spec.inputs],
        type: TYPE.int8,
        scales,
        data: int8s(weights),
      },
      {
        name: 'bias',
        shape: [spec.outputs],
        type: TYPE.int32,
        data: int32s(Array.from({ length: spec.outputs }, () => random.between(-3000, 3000))),
      },
      activation('logits', [1, spec.outputs], 0.11, 12),
    ],
    operators: [denseOperator([0, 1, 2], 3, spec.fused)],
    inputs: [0],
    outputs: [3],
  };
  if (spec.softmax === true) {
    model.tensors.push(activation('output', [1, spec.outputs], 1 / 256, -128));
    model.operators.push(softmaxOperator(3, 4));
    model.outputs = [4];
  }
  return model;
}

export function compileSpec(spec: ModelSpec, options?: CompileOptions): CompiledModel {
  return compileModel(writeTflite(spec), 'test.tflite', options);
}

/** Replaces parts of one tensor. */
export function withTensor(spec: ModelSpec, index: number, part: Partial<TensorSpec>): ModelSpec {
  const tensors = spec.tensors.map((t, i) => (i === index ? { ...t, ...part } : t));
  return { ...spec, tensors };
}

/** Replaces parts of one operator. */
export function withOperator(
  spec: ModelSpec,
  index: number,
  part: Partial<OperatorSpec>,
): ModelSpec {
  const operators = spec.operators.map((o, i) => (i === index ? { ...o, ...part } : o));
  return { ...spec, operators };
}
