import { describe, expect, it } from 'vitest';
import { Engine } from '../../sim/engine.ts';
import { ReferenceInterpreter } from '../oracle/reference.ts';
import { expectEveryLayerEqual, expectEveryRunEqual } from '../support/golden-checks.ts';
import {
  goldenNames,
  networkInputs,
  NETWORKS,
  readGolden,
  readNetworks,
  shortHash,
} from '../support/golden.ts';
import { randomModel } from '../support/random-model.ts';
import { writeTflite } from '../support/tflite-writer.ts';

const own = goldenNames()
  .map(readGolden)
  .filter((golden) => golden.root === 'project');

describe.each(own)('$name', (golden) => {
  it('answers like the INT8 specification', () => expectEveryRunEqual(golden));
  it('computes every inner tensor like the INT8 specification', () =>
    expectEveryLayerEqual(golden));
  it('was equal in TensorFlow Lite with reference kernels', () => {
    expect(golden.figures.endToEnd.reference.differ).toBe(0);
  });
});

const joined = (rows: Int8Array[]): Int8Array => Int8Array.from(rows.flatMap((row) => [...row]));

describe('random networks answer like TensorFlow Lite with reference kernels', () => {
  const { sha256, difference } = readNetworks();
  const cases = sha256.map((wanted, i) => ({ wanted, seed: i + 1 }));

  it('stored many, without a difference', () => {
    expect(sha256.length).toBe(NETWORKS);
    expect(new Set(sha256).size).toBeGreaterThan(0.8 * NETWORKS); // small ones saturate alike
    expect(difference.differ).toBe(0);
  });

  it('in the engine', async () => {
    const wrong: number[] = [];
    for (const { wanted, seed } of cases) {
      const bytes = writeTflite(randomModel(seed));
      const engine = await Engine.load(bytes, { file: `network ${seed}` });
      const { input } = new ReferenceInterpreter(bytes);
      const inputs = networkInputs(engine.inputBytes, input.zeroPoint);
      const answers = joined(inputs.map((x) => engine.infer(x).output));
      if (shortHash(answers) !== wanted) wrong.push(seed);
    }
    expect(wrong).toEqual([]);
  });

  it('in the reference interpreter', () => {
    const wrong = cases.filter(({ wanted, seed }) => {
      const reference = new ReferenceInterpreter(writeTflite(randomModel(seed)));
      const inputs = networkInputs(reference.inputSize, reference.input.zeroPoint);
      return shortHash(joined(inputs.map((x) => reference.infer(x)))) !== wanted;
    });
    expect(wrong).toEqual([]);
  });
});
