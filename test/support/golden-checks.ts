/** The engine against golden vectors: what every model's test asks. */
import { expect } from 'vitest';
import { Engine } from '../../sim/engine.ts';
import { prefix, readModel } from '../oracle/flatmodel.ts';
import {
  goldenInputs,
  goldenLogits,
  goldenModel,
  goldenOutputs,
  shortHash,
  type Golden,
} from './golden.ts';

/** Runs whose answer is not the stored one, with the first value that differs. */
function mismatches(engine: Engine, inputs: Int8Array[], expected: Int8Array[]): string[] {
  expect(expected.length).toBe(inputs.length);
  return inputs.flatMap((input, run) => {
    const { output } = engine.infer(input);
    const wanted = expected[run] as Int8Array;
    const at = wanted.findIndex((value, i) => value !== output[i]);
    if (at < 0 && output.length === wanted.length) return [];
    return [`run ${run}: value ${at} is ${output[at]}, not ${wanted[at]}`];
  });
}

/** Every output of every run, and the values before a closing softmax, which hides differences. */
export async function expectEveryRunEqual(golden: Golden): Promise<void> {
  const bytes = goldenModel(golden);
  const inputs = goldenInputs(golden);
  const engine = await Engine.load(bytes, { file: golden.path });
  expect(mismatches(engine, inputs, goldenOutputs(golden))).toEqual([]);
  if (!golden.logits) return;
  const beforeSoftmax = prefix(bytes, readModel(bytes).ops.length - 2);
  const open = await Engine.load(beforeSoftmax, { file: golden.path });
  expect(mismatches(open, inputs, goldenLogits(golden))).toEqual([]);
}

/** Every tensor of the first random runs: the model cut after each operator in turn. */
export async function expectEveryLayerEqual(golden: Golden): Promise<void> {
  const bytes = goldenModel(golden);
  const random = goldenInputs({ ...golden, samples: [] });
  const wrong: string[] = [];
  for (const [index, op] of readModel(bytes).ops.entries()) {
    const engine = await Engine.load(prefix(bytes, index), { file: golden.path });
    const tensor = String(op.outputs[0]);
    golden.tensors.forEach(({ sha256 }, run) => {
      const { output } = engine.infer(random[run] as Int8Array);
      if (shortHash(output) !== sha256[tensor]) wrong.push(`operator ${index}, random run ${run}`);
    });
  }
  expect(wrong).toEqual([]);
}
