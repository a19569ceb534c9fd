/** Class Engine: slices, instances side by side, facts, and what it refuses. */
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { RetuneError } from '../../cli/error.ts';
import { Engine } from '../../sim/engine.ts';
import { featureShift } from '../../sim/features.ts';
import { projectRoot } from '../support/data.ts';
import { randomInput } from '../support/inputs.ts';
import { randomModel } from '../support/random-model.ts';
import { writeTflite } from '../support/tflite-writer.ts';

const DIGITS = join(projectRoot, 'models/digits/digits.tflite');

const sliced = (engine: Engine, input: Int8Array, budget: number): [Int8Array, number] => {
  let calls = 1;
  engine.begin(input);
  while (!engine.run(budget)) calls += 1;
  return [engine.prediction().output, calls];
};

describe('slices', () => {
  it('give the same output as one run, whatever their size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1 << 30 }),
        fc.integer({ min: 1, max: 200_000 }),
        async (seed, budget) => {
          const engine = await Engine.load(writeTflite(randomModel(seed)), { file: 'random' });
          const input = randomInput(seed, engine.inputBytes, 0);
          const whole = engine.infer(input).output;
          expect(sliced(engine, input, budget)[0]).toEqual(whole);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keep to their budget on the digits model', async () => {
    const engine = await Engine.load(DIGITS);
    const input = randomInput(3, engine.inputBytes, 0);
    const [, rows] = sliced(engine, input, 1);
    const [, calls] = sliced(engine, input, 100_000);
    expect(rows).toBeGreaterThan(100);
    expect(calls).toBeGreaterThanOrEqual(Math.ceil(engine.macs / 100_000));
    expect(calls).toBeLessThan(rows);
    expect(sliced(engine, input, 0x7fffffff)[1]).toBe(1);
  });

  it('start over when a new inference begins in the middle of one', async () => {
    const engine = await Engine.load(DIGITS);
    const [a, b] = [1, 3].map((run) => randomInput(run, engine.inputBytes, 0));
    const whole = engine.infer(b as Int8Array).output;
    engine.begin(a as Int8Array);
    expect(engine.run(300_000)).toBe(false);
    expect(engine.infer(b as Int8Array).output).toEqual(whole);
  });
});

describe('Engine', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.load(DIGITS);
  });

  it('knows the facts of the model', () => {
    expect(engine.inputShape).toEqual([49, 10, 1]);
    expect(engine.labels).toEqual([...'0123456789']);
    expect(engine.classes).toBe(10);
    expect(engine.sampleRate).toBe(8000);
    expect(engine.profile).toBe('digits');
    expect(engine.modelBytes).toBeGreaterThan(20_000);
    expect(engine.arenaBytes).toBeGreaterThanOrEqual(8000);
  });

  it('reads confidence, margin and entropy off the same logits', () => {
    const {
      class: winner,
      probabilities,
      confidence,
      margin,
      entropy,
    } = engine.infer(randomInput(5, engine.inputBytes, 0));
    const sorted = [...probabilities].sort((a, b) => b - a);
    expect(probabilities[winner]).toBe(sorted[0]);
    expect(confidence).toBe(sorted[0]);
    expect(margin).toBeCloseTo(Math.log((sorted[0] ?? 0) / (sorted[1] ?? 0)), 9);
    expect(entropy).toBeGreaterThanOrEqual(0);
    expect(entropy).toBeLessThanOrEqual(1);
    expect(sorted.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
  });

  it('shares nothing with another instance', async () => {
    const other = await Engine.load(DIGITS);
    const [a, b] = [7, 9].map((run) => randomInput(run, engine.inputBytes, 0)) as [
      Int8Array,
      Int8Array,
    ];
    const [alone, apart] = [engine.infer(a).output, engine.infer(b).output];
    engine.begin(a);
    other.begin(b);
    let running = 2;
    while (running > 0) running = [engine, other].filter((e) => !e.run(50_000)).length;
    expect(engine.prediction().output).toEqual(alone);
    expect(other.prediction().output).toEqual(apart);
  });

  it('takes clips shorter and longer than the window', () => {
    for (const samples of [1, 100, 8000, 8001, 40_000]) {
      expect(engine.features(new Int16Array(samples).fill(100))).toHaveLength(490);
    }
    expect(() => engine.features(new Int16Array(0))).toThrow(RetuneError);
  });

  it('measures the distance of a window from the training data', () => {
    // Coefficient 0 is left out; frames average out before the square.
    const at = (frame: number, k: number): number => (k === 0 ? 90 : frame < 48 ? 20 : 69);
    const input = Int8Array.from({ length: 490 }, (_, i) => at(Math.floor(i / 10), i % 10));
    expect(featureShift(input, 0.125, 11)).toBeCloseTo((20 + 49 / 49 - 11) * 0.125, 12);
    expect(engine.shift(engine.features(new Int16Array(8000)))).toBeGreaterThan(0);
  });

  it('refuses an input of another size', () => {
    expect(() => engine.infer(new Int8Array(489))).toThrow(/489 values; the model takes 49x10x1/);
  });

  it('names the file that it cannot read or use', async () => {
    await expect(Engine.load('missing.tflite')).rejects.toThrow(/^missing\.tflite: cannot be read/);
    const half = readFileSync(DIGITS).subarray(0, 20_000);
    await expect(Engine.load(half, { file: 'half.tflite' })).rejects.toThrow(RetuneError);
    await expect(Engine.load(half, { file: 'half.tflite' })).rejects.toThrow(/^half\.tflite: /);
  });

  it('says that a model without a feature profile has none', async () => {
    const plain = await Engine.load(writeTflite(randomModel(1)), { file: 'plain.tflite' });
    expect(() => plain.features(new Int16Array(100))).toThrow(/^plain\.tflite: nobody says which/);
  });
});
