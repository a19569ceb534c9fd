/** Small models for tests, written here so that no test needs a file for them. */
import { Random } from './random.ts';
import { TYPE, writeTflite, type ModelSpec, type TensorSpec } from './tflite-writer.ts';

const INT8 = { type: TYPE.int8 };

function weights(
  random: Random,
  name: string,
  shape: number[],
  scales: number[],
  dimension = 0,
): TensorSpec {
  const size = shape.reduce((a, b) => a * b, 1);
  const data = random.bytes(size).map((v) => (v === 128 ? 129 : v)); // never -128, as in TFLite
  return { name, shape, ...INT8, scales, zeroPoint: 0, dimension, data };
}

function biases(random: Random, name: string, channels: number, scales: number[]): TensorSpec {
  const values = Int32Array.from({ length: channels }, () => random.between(-2000, 2000));
  const data = new Uint8Array(values.buffer);
  return { name, shape: [channels], type: TYPE.int32, scales, zeroPoint: 0, data };
}

/** One float scale a channel, about `around`. */
function channelScales(random: Random, channels: number, around: number): number[] {
  return Array.from({ length: channels }, () =>
    Math.fround((around * (64 + random.below(128))) / 128),
  );
}

const option = (
  kind: 'i8' | 'i32' | 'f32',
  ...values: number[]
): { kind: 'i8' | 'i32' | 'f32'; values: number[] } => ({ kind, values });

/** Numbers option fields in the order given. */
function options(...parts: ReturnType<typeof option>[]): ModelSpec['operators'][0]['options'] {
  return parts
    .flatMap(({ kind, values }) => values.map((value) => ({ kind, value })))
    .map((field, index) => ({ index, ...field }));
}

/**
 * A keyword network in small with every operator that the compiler knows: `rows` x 10 in,
 * convolution, depthwise, pointwise, ADD, pooling, RESHAPE, dense, softmax, 4 classes.
 */
export function smallKeywordModel(seed = 1, rows = 9): ModelSpec {
  const random = new Random(seed);
  const scale = [0.05];
  const first = channelScales(random, 8, 0.01);
  const second = channelScales(random, 8, 0.02);
  const third = channelScales(random, 8, 0.01);
  const product = (scales: number[]): number[] => scales.map((s) => Math.fround(s * 0.05));
  const at = (name: string, shape: number[], zeroPoint: number): TensorSpec => ({
    name,
    shape,
    ...INT8,
    scales: scale,
    zeroPoint,
  });
  const height = Math.ceil(rows / 2);
  const map = [1, height, 5, 8];
  return {
    tensors: [
      at('input', [1, rows, 10, 1], 7), // 0
      weights(random, 'conv/weights', [8, 3, 3, 1], first), // 1
      biases(random, 'conv/bias', 8, product(first)), // 2
      at('conv', map, -128), // 3
      weights(random, 'depthwise/weights', [1, 3, 3, 8], second, 3), // 4
      biases(random, 'depthwise/bias', 8, product(second)), // 5
      at('depthwise', map, -128), // 6
      weights(random, 'pointwise/weights', [8, 1, 1, 8], third), // 7
      biases(random, 'pointwise/bias', 8, product(third)), // 8
      at('pointwise', map, 3), // 9
      at('sum', map, -20), // 10
      at('pool', [1, 1, 1, 8], -20), // 11
      {
        name: 'shape',
        shape: [2],
        type: TYPE.int32,
        data: new Uint8Array(Int32Array.of(1, 8).buffer),
      }, // 12
      at('flat', [1, 8], -20), // 13
      weights(random, 'dense/weights', [4, 8], [0.01]), // 14
      biases(random, 'dense/bias', 4, product([0.01])), // 15
      at('logits', [1, 4], 10), // 16
      { ...at('output', [1, 4], -128), scales: [1 / 256] }, // 17
    ],
    operators: [
      {
        code: 3,
        inputs: [0, 1, 2],
        outputs: [3],
        optionsType: 1,
        options: options(
          option('i8', 0),
          option('i32', 2, 2),
          option('i8', 1),
          option('i32', 1, 1),
        ),
      },
      {
        code: 4,
        inputs: [3, 4, 5],
        outputs: [6],
        optionsType: 2,
        options: options(
          option('i8', 0),
          option('i32', 1, 1, 1),
          option('i8', 1),
          option('i32', 1, 1),
        ),
      },
      {
        code: 3,
        inputs: [6, 7, 8],
        outputs: [9],
        optionsType: 1,
        options: options(
          option('i8', 0),
          option('i32', 1, 1),
          option('i8', 0),
          option('i32', 1, 1),
        ),
      },
      {
        code: 0,
        inputs: [9, 3],
        outputs: [10],
        optionsType: 11,
        options: options(option('i8', 0)),
      },
      {
        code: 1,
        inputs: [10],
        outputs: [11],
        optionsType: 5,
        options: options(option('i8', 1), option('i32', 5, height, 5, height), option('i8', 0)),
      },
      { code: 22, inputs: [11, 12], outputs: [13], optionsType: 0, options: [] },
      {
        code: 9,
        inputs: [13, 14, 15],
        outputs: [16],
        optionsType: 8,
        options: options(option('i8', 0)),
      },
      {
        code: 25,
        inputs: [16],
        outputs: [17],
        optionsType: 9,
        options: options(option('f32', 1)),
      },
    ],
    inputs: [0],
    outputs: [17],
  };
}

export const smallKeywordBytes = (): Uint8Array => writeTflite(smallKeywordModel());

/** The same without ADD, which training does not pass backward. */
export function trainableModel(seed = 1): ModelSpec {
  const model = smallKeywordModel(seed);
  const operators = model.operators
    .filter(({ code }) => code !== 0)
    .map((op) => (op.code === 1 ? { ...op, inputs: [9] } : op));
  const tensors = model.tensors.map((t) =>
    t.name === 'pool' || t.name === 'flat' ? { ...t, zeroPoint: 3 } : t,
  );
  return { ...model, operators, tensors };
}
