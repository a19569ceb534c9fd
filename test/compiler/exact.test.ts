/**
 * Small models, compiled and run by the firmware's engine, against the plain interpreter of
 * TensorFlow Lite's specification (test/oracle), which shares no code with compiler/ or native/.
 */
import { describe, expect, test } from 'vitest';
import { Engine } from '../../sim/engine.ts';
import { ReferenceInterpreter } from '../oracle/reference.ts';
import { randomInput } from '../support/inputs.ts';
import { writeTflite, type ModelSpec } from '../support/tflite-writer.ts';
import {
  RELU,
  RELU6,
  SAME,
  VALID,
  activation,
  addOperator,
  convOperator,
  convolutionModel,
  denseModel,
  poolOperator,
  reshapeOperator,
  type WeightedSpec,
} from './models.ts';

const RUNS = 6;

async function expectExact(spec: ModelSpec): Promise<void> {
  const bytes = writeTflite(spec);
  const engine = await Engine.load(bytes, { file: 'test.tflite' });
  const reference = new ReferenceInterpreter(bytes);
  const varied = new Set<number>();
  for (let run = 0; run < RUNS; run++) {
    const input = randomInput(run, engine.inputBytes, spec.tensors[0]?.zeroPoint ?? 0);
    const expected = reference.infer(input);
    engine.infer(input);
    expect(engine.tensor(outputTensor(engine))).toEqual(expected);
    expected.forEach((value) => varied.add(value));
  }
  // A saturated or constant output would prove nothing.
  expect(varied.size).toBeGreaterThan(2);
}

/** The output is the last tensor that the compiler defines. */
function outputTensor(engine: Engine): number {
  let index = 0;
  for (;;) {
    try {
      engine.tensor(index + 1);
    } catch {
      return index;
    }
    index += 1;
  }
}

const windows: [string, WeightedSpec][] = [
  ['SAME, odd kernel', { input: [7, 5, 3], weights: [4, 3, 3, 3], output: [7, 5, 4] }],
  [
    'SAME, even kernel and stride 2 pad more at the end',
    {
      input: [9, 6, 2],
      weights: [3, 4, 2, 2],
      output: [5, 3, 3],
      window: { stride: [2, 2], padding: SAME },
    },
  ],
  [
    'SAME, stride larger than the kernel',
    { input: [8, 8, 2], weights: [3, 1, 1, 2], output: [3, 3, 3], window: { stride: [3, 3] } },
  ],
  [
    'VALID, stride 2x1',
    {
      input: [9, 6, 2],
      weights: [5, 3, 2, 2],
      output: [4, 5, 5],
      window: { padding: VALID, stride: [2, 1] },
    },
  ],
  ['kernel larger than the input', { input: [2, 3, 1], weights: [2, 5, 5, 1], output: [2, 3, 2] }],
  ['1x1', { input: [3, 4, 5], weights: [6, 1, 1, 5], output: [3, 4, 6] }],
  [
    'one scale for all channels',
    { input: [4, 4, 2], weights: [3, 3, 3, 2], output: [4, 4, 3], perChannel: false },
  ],
  [
    'ReLU',
    {
      input: [4, 4, 2],
      weights: [3, 3, 3, 2],
      output: [4, 4, 3],
      window: { activation: RELU },
    },
  ],
  [
    'ReLU6',
    {
      input: [4, 4, 2],
      weights: [3, 3, 3, 2],
      output: [4, 4, 3],
      window: { activation: RELU6 },
    },
  ],
  ['no bias', { input: [4, 4, 2], weights: [3, 3, 3, 2], output: [4, 4, 3], withoutBias: true }],
  [
    'zero points at the ends of their range',
    { input: [4, 4, 2], weights: [3, 3, 3, 2], output: [4, 4, 3], inputZeroPoint: -128 },
  ],
];

describe('CONV_2D is exact', () => {
  test.each(windows)('%s', async (_, spec) => {
    await expectExact(convolutionModel(spec));
  });
});

describe('DEPTHWISE_CONV_2D is exact', () => {
  test.each<[string, WeightedSpec]>([
    ['SAME', { input: [6, 5, 7], weights: [1, 3, 3, 7], output: [6, 5, 7] }],
    [
      'stride 2, ReLU',
      {
        input: [6, 5, 4],
        weights: [1, 3, 3, 4],
        output: [3, 3, 4],
        window: { stride: [2, 2], activation: RELU },
      },
    ],
    [
      'a depth multiplier from one channel',
      {
        input: [9, 8, 1],
        weights: [1, 4, 3, 6],
        output: [5, 4, 6],
        window: { stride: [2, 2] },
      },
    ],
    [
      'VALID, one scale',
      {
        input: [6, 5, 4],
        weights: [1, 5, 1, 4],
        output: [2, 5, 4],
        perChannel: false,
        window: { padding: VALID },
      },
    ],
  ])('%s', async (_, spec) => {
    await expectExact(convolutionModel(spec, true));
  });
});

describe('FULLY_CONNECTED and SOFTMAX are exact', () => {
  test.each([
    ['one scale', { inputs: 33, outputs: 9 }],
    ['a scale a channel', { inputs: 33, outputs: 9, perChannel: true }],
    ['ReLU6', { inputs: 33, outputs: 9, fused: RELU6 }],
    ['SOFTMAX', { inputs: 17, outputs: 5, softmax: true }],
  ])('%s', async (_, spec) => {
    await expectExact(denseModel(spec));
  });

  // The product of the two scales is rounded to float32 for a single scale only.
  test('many random scales', async () => {
    for (let seed = 2; seed < 22; seed++)
      await expectExact(denseModel({ inputs: 8, outputs: 6, seed }));
  });
});

describe('shapes without weights are exact', () => {
  test('AVERAGE_POOL_2D with SAME padding, RESHAPE before and after', async () => {
    const spec: ModelSpec = {
      tensors: [
        activation('input', [1, 60], 0.1, 4),
        activation('image', [1, 5, 4, 3], 0.1, 4),
        activation('pooled', [1, 3, 2, 3], 0.1, 4),
        activation('output', [1, 18], 0.1, 4),
      ],
      operators: [
        reshapeOperator(0, 1),
        poolOperator(1, 2, [3, 3], { stride: [2, 2] }),
        reshapeOperator(2, 3),
      ],
      inputs: [0],
      outputs: [3],
    };
    await expectExact(spec);
  });

  test('ADD of a tensor with a convolution of it', async () => {
    const spec = convolutionModel({ input: [4, 3, 5], weights: [5, 3, 3, 5], output: [4, 3, 5] });
    spec.tensors.push(activation('sum', [1, 4, 3, 5], 0.0931, -11));
    spec.operators.push(addOperator([0, 3], 4, RELU));
    spec.outputs = [4];
    await expectExact(spec);
  });

  test('shared weights', async () => {
    const spec = convolutionModel({ input: [4, 3, 5], weights: [5, 3, 3, 5], output: [4, 3, 5] });
    spec.tensors.push(activation('again', [1, 4, 3, 5], 0.2, 1));
    spec.operators.push(convOperator([3, 1], 4));
    spec.outputs = [4];
    await expectExact(spec);
  });
});
