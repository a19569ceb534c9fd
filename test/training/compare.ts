/**
 * The backward pass against automatic differentiation (PyTorch, make_reference.py): every parameter
 * tensor of every adapter kind and, layer by layer, every activation that gradients pass. The
 * reference computes in float from the same int8 activations; errors are Euclidean and relative to
 * the reference's size. The way back through the network works in int8, rounded stochastically: a
 * single pass is noisy, the mean of many shows what is left, which comes from the rounded weights
 * of the way back.
 */
import { describe, expect, it } from 'vitest';
import { METHODS, readCase, type CaseName, type Method } from './cases.ts';
import { engineGradients, readReference, referenceArrays, relativeError } from './gradients.ts';
import { trainedCase } from './cases.ts';

/** Of a gradient of the head and of the skip path. */
const VECTOR_TOLERANCE = 0.004;
/** The same where low-rank deltas are rounded into the accumulators before it. */
const LORA_HEAD_TOLERANCE = 0.02;
/** Of dL/dq of an activation tensor, and of a gradient of A or B: in one pass, in the mean of many. */
const ONE_TOLERANCE = 0.3;
const MEAN_TOLERANCE = 0.1;
const PASSES = 32;
/** Of the loss, nats. */
const LOSS_TOLERANCE = 0.0005;
/** Of a step's loss along a whole burst, nats: head and skip, and lora. */
const CURVE_TOLERANCE = { head: 0.01, skip: 0.01, lora: 0.1 };
const CURVE_MEAN_TOLERANCE = { head: 0.001, skip: 0.001, lora: 0.01 };

/** The tests of one model; the other model's file is in a data folder. */
export function describeGradients(name: CaseName): void {
  describe(`${name}: gradients of one window`, () => {
    it.each(METHODS)('%s: every parameter tensor', async (method) => {
      const reference = referenceArrays(name, method);
      const theirs = reference.get('parameters') ?? new Float64Array();
      const one = await engineGradients(name, method);
      const mean = await engineGradients(name, method, PASSES);
      expect(Math.abs(one.loss - (reference.get('loss')?.[0] ?? NaN))).toBeLessThan(LOSS_TOLERANCE);
      for (const { name: group, first, rows, columns } of readCase(name).adapters[method].groups) {
        const end = first + rows * columns;
        const error = (mine: Float64Array): number =>
          relativeError(mine.subarray(first, end), theirs.subarray(first, end));
        const vector = method === 'lora' ? LORA_HEAD_TOLERANCE : VECTOR_TOLERANCE;
        const back = / [AB]$/.test(group);
        expect(error(one.parameters), group).toBeLessThan(back ? ONE_TOLERANCE : vector);
        expect(error(mean.parameters), group).toBeLessThan(back ? MEAN_TOLERANCE : vector);
      }
    });

    it('lora: every activation on the way, layer by layer', async () => {
      const reference = referenceArrays(name, 'lora');
      const expected = [...reference.keys()].filter((key) => key.startsWith('input '));
      expect(expected.length).toBe(6);
      for (const [passes, tolerance] of [
        [1, ONE_TOLERANCE],
        [PASSES, MEAN_TOLERANCE],
      ] as const) {
        const { signals } = await engineGradients(name, 'lora', passes);
        expect([...signals.keys()].sort()).toEqual([...expected].sort());
        for (const [layer, values] of signals) {
          const error = relativeError(values, reference.get(layer) ?? new Float64Array());
          expect(error, `${layer}, ${passes} passes`).toBeLessThan(tolerance);
        }
      }
    });
  });

  describe(`${name}: loss of every step of a burst`, () => {
    it.each(METHODS)('%s: as float SGD with the same windows in the same order', async (method) => {
      const { losses: theirs } = readReference(name).methods[method];
      const mine = await lossCurve(name, method);
      expect(mine.length).toBe(theirs.length);
      const differences = theirs.map((loss, i) => Math.abs(loss - (mine[i] ?? NaN)));
      expect(Math.max(...differences)).toBeLessThan(CURVE_TOLERANCE[method]);
      const mean = differences.reduce((a, b) => a + b, 0) / differences.length;
      expect(mean).toBeLessThan(CURVE_MEAN_TOLERANCE[method]);
    });
  });
}

async function lossCurve(name: CaseName, method: Method): Promise<number[]> {
  const { burst } = readReference(name).methods[method];
  const { training } = await trainedCase(name, method, 'start', { optimizer: 'momentum' });
  training.begin({ ...burst, views: 1, smoothing: 0 });
  const losses: number[] = [];
  for (let done = false; !done;) {
    done = training.run(1);
    if (training.step > losses.length) losses.push(training.loss);
  }
  return losses;
}
