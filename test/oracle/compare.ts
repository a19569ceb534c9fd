/** Compares TensorFlow Lite in the browser with the reference specification, whole and by layer. */
import type { Difference, LayerFigures } from '../support/golden.ts';
import type { BrowserTflite } from './browser.ts';
import { multiplyByScale, multiplyByScaleInFloat, multiplyByScaleOnce } from './fixedpoint.ts';
import { OP, withOutput, withWeightsAsInputs, type OracleOp } from './flatmodel.ts';
import { forReferenceKernels } from './grouped.ts';
import { ReferenceInterpreter, type Values } from './reference.ts';

export const nothing = (): Difference => ({ values: 0, differ: 0, largest: 0 });

export function count(into: Difference, expected: Int8Array, actual: Int8Array): void {
  if (expected.length !== actual.length) throw new Error('outputs of different sizes');
  expected.forEach((value, i) => {
    const difference = Math.abs(value - (actual[i] as number));
    into.values++;
    if (difference > 0) into.differ++;
    into.largest = Math.max(into.largest, difference);
  });
}

export function total(all: Difference[]): Difference {
  return all.reduce(
    (a, b) => ({
      values: a.values + b.values,
      differ: a.differ + b.differ,
      largest: Math.max(a.largest, b.largest),
    }),
    nothing(),
  );
}

export const largestAt = (row: Int8Array): number => row.indexOf(Math.max(...row));

const operatorName = (code: number): string =>
  Object.entries(OP).find(([, value]) => value === code)?.[0] ?? String(code);

/** XNNPACK multiplies the sum of every convolution and dense layer in single precision. */
const likeXnnpack = (op: OracleOp): typeof multiplyByScale =>
  op.code === OP.ADD ? multiplyByScale : multiplyByScaleInFloat;

/** TensorFlow Lite's own optimised kernels leave matrix products to ruy, which rounds once. */
const likeBuiltin = (op: OracleOp): typeof multiplyByScale =>
  op.code === OP.CONV_2D || op.code === OP.FULLY_CONNECTED ? multiplyByScaleOnce : multiplyByScale;

type Runtime = 'xnnpack' | 'builtin';

interface Variant {
  file: Uint8Array;
  weights: Int8Array[];
  explained: ReferenceInterpreter;
}

const variants = (bytes: Uint8Array): Record<Runtime, Variant> => ({
  xnnpack: { file: bytes, weights: [], explained: new ReferenceInterpreter(bytes, likeXnnpack) },
  builtin: {
    ...withWeightsAsInputs(bytes),
    explained: new ReferenceInterpreter(bytes, likeBuiltin),
  },
});

export type Answers = Record<Runtime | 'reference', Int8Array[]>;

/** Whole-model answers of the three sets of kernels. */
export async function runAll(
  tflite: BrowserTflite,
  bytes: Uint8Array,
  inputs: Int8Array[],
): Promise<Answers> {
  const { xnnpack, builtin } = variants(bytes);
  const reference = withWeightsAsInputs(forReferenceKernels(bytes));
  return {
    reference: (await tflite.run(reference.file, inputs, reference.weights)).outputs,
    xnnpack: (await tflite.run(xnnpack.file, inputs)).outputs,
    builtin: (await tflite.run(builtin.file, inputs, builtin.weights)).outputs,
  };
}

/**
 * One layer after the other: the browser's value of every tensor against the reference kernel run on
 * the browser's own values of the layer's inputs. So no difference of an earlier layer adds to a
 * later one, and each can be explained.
 */
export async function compareLayers(
  tflite: BrowserTflite,
  bytes: Uint8Array,
  inputs: Int8Array[],
): Promise<LayerFigures[]> {
  const reference = new ReferenceInterpreter(bytes);
  const sides = Object.entries(variants(bytes)) as [Runtime, Variant][];
  const known = new Map(
    sides.map(([runtime]) => [
      runtime,
      inputs.map((input): Values => new Map([[reference.model.inputs[0] as number, input]])),
    ]),
  );
  const figures: LayerFigures[] = [];
  for (const op of reference.model.ops) {
    const tensor = op.outputs[0] as number;
    const layer: LayerFigures = {
      operator: operatorName(op.code),
      tensor,
      xnnpack: nothing(),
      builtin: nothing(),
      xnnpackExplained: nothing(),
      builtinExplained: nothing(),
    };
    for (const [runtime, variant] of sides) {
      const { outputs } = await tflite.run(
        withOutput(variant.file, tensor),
        inputs,
        variant.weights,
      );
      outputs.forEach((output, i) => {
        const values = known.get(runtime)?.[i] as Values;
        count(layer[runtime], reference.step(op, values), output);
        count(layer[`${runtime}Explained`], variant.explained.step(op, values), output);
        values.set(tensor, output);
      });
    }
    figures.push(layer);
  }
  return figures;
}
