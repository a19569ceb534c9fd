import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../sim/engine.ts';
import { Engine as EngineClass } from '../../sim/engine.ts';
import { METHODS, modelPath, readInputs, sealed, trainedCase, type Method } from './cases.ts';

const SHORT = {
  head: { steps: 20, views: 3 },
  skip: { steps: 20, views: 3 },
  lora: { steps: 3, batch: 2, views: 2 },
};

/** Trains in slices of `cycles` and returns the adapter with the losses seen at the ends of slices. */
function burst(engine: Engine, method: Method, cycles: number, seed = 1): Uint8Array {
  const { training } = engine;
  training.begin({ ...SHORT[method], seed });
  while (!training.run(cycles));
  return training.save();
}

describe.each(METHODS)('%s', (method) => {
  let whole: Uint8Array;
  beforeAll(async () => {
    whole = burst(await trainedCase('digits', method), method, 0x7fffffff);
  });

  it('slices of any budget give the same adapter, bit by bit', async () => {
    for (const cycles of [1, 20_000, 333_333, 5_000_000]) {
      const engine = await trainedCase('digits', method);
      expect(burst(engine, method, cycles), `${cycles} cycles`).toEqual(whole);
    }
  });

  it('the same seed gives the same adapter, another seed another one', async () => {
    expect(burst(await trainedCase('digits', method), method, 1e9, 1)).toEqual(whole);
    expect(burst(await trainedCase('digits', method), method, 1e9, 2)).not.toEqual(whole);
  });

  it('training lowers the loss of the windows, and restore undoes it', async () => {
    const engine = await trainedCase('digits', method);
    const { training } = engine;
    const start = training.save();
    training.begin({ views: 1, steps: method === 'lora' ? 40 : 150 });
    training.run();
    const { before, after, total } = training.evaluate('train');
    expect(total).toBe(20);
    expect(after.loss).toBeLessThan(before.loss * 0.6);
    expect(after.correct).toBeGreaterThanOrEqual(before.correct);
    training.restore();
    expect(training.save()).toEqual(start);
  });

  it('an adapter that has learnt nothing changes no output bit', async () => {
    const plain = await EngineClass.load(modelPath('digits'));
    const adapted = await EngineClass.load(modelPath('digits'), { adapter: { method } });
    for (const input of readInputs('digits', plain.inputBytes)) {
      const expected = plain.infer(input);
      const got = adapted.infer(input);
      expect(got.output).toEqual(expected.output);
      // These come from the accumulators, the plain ones from int8: half a step apart at most.
      got.logits.forEach((logit, c) =>
        expect(Math.abs(logit - (expected.logits[c] ?? NaN))).toBeLessThan(0.1),
      );
    }
  });

  it('switched off, a trained adapter changes no output bit; switched on, it does', async () => {
    const plain = await EngineClass.load(modelPath('digits'));
    const engine = await trainedCase('digits', method, 'busy');
    const inputs = readInputs('digits', plain.inputBytes);
    engine.training.enable(false);
    for (const input of inputs)
      expect(engine.infer(input).output).toEqual(plain.infer(input).output);
    engine.training.enable(true);
    const changed = inputs.some(
      (input) => engine.infer(input).output.join() !== plain.infer(input).output.join(),
    );
    expect(changed).toBe(true);
  });

  it('a saved adapter gives the same logits on another device', async () => {
    const trained = await trainedCase('digits', method, 'busy');
    const other = await EngineClass.load(modelPath('digits'), { adapter: { method } });
    other.training.load(trained.training.save());
    for (const input of readInputs('digits', other.inputBytes)) {
      expect(other.infer(input).logits).toEqual(trained.infer(input).logits);
    }
  });
});

describe('saved adapters', () => {
  let engine: Engine;
  let blob: Uint8Array;
  beforeAll(async () => {
    engine = await trainedCase('digits', 'skip', 'busy');
    blob = engine.training.save();
  });

  it('every single corrupted byte is refused and leaves the adapter as it was', () => {
    for (let i = 0; i < blob.length; i++) {
      const damaged = blob.slice();
      damaged[i] = (damaged[i] ?? 0) ^ (1 << (i % 8));
      expect(() => engine.training.load(damaged), `byte ${i}`).toThrow();
    }
    expect(engine.training.save()).toEqual(blob);
  });

  it('truncated, extended and empty ones are refused', () => {
    for (const length of [0, 1, 23, 24, blob.length - 1]) {
      expect(() => engine.training.load(blob.slice(0, length))).toThrow(/truncated/);
    }
    expect(() => engine.training.load(new Uint8Array([...blob, 0]))).toThrow(/truncated/);
    expect(engine.training.save()).toEqual(blob);
  });

  it('one of another model, rank, method or layout is refused although its checksum fits', () => {
    for (const offset of [6, 7, 8, 12]) {
      const foreign = blob.slice();
      foreign[offset] = (foreign[offset] ?? 0) ^ 1;
      expect(() => engine.training.load(sealed(foreign))).toThrow(/another model, method or rank/);
    }
    expect(engine.training.save()).toEqual(blob);
  });

  it('an exponent that no engine writes is refused although the checksum fits', () => {
    const wild = blob.slice();
    wild[24] = 100;
    expect(() => engine.training.load(sealed(wild))).toThrow();
    expect(engine.training.save()).toEqual(blob);
  });
});

describe('use in the wrong order or out of range', () => {
  it('is refused with a status, and nothing is lost', async () => {
    const engine = await EngineClass.load(modelPath('digits'), { adapter: { method: 'skip' } });
    const { training } = engine;
    expect(() => training.begin()).toThrow(/no labelled windows/);
    expect(() => training.run()).toThrow(/not allowed/);
    expect(() => training.restore()).toThrow(/not allowed/);
    expect(() => training.evaluate('heldOut')).toThrow(/no labelled windows/);
    expect(() => training.remember(10)).toThrow(/argument/);
    for (let i = 0; i < training.capacity; i++) training.remember(i % 10);
    expect(() => training.remember(0)).toThrow(/no room/);
    for (const wrong of [
      { steps: 0 },
      { steps: 65536 },
      { batch: 65 },
      { views: 0 },
      { rate: 2 },
    ]) {
      expect(() => training.begin(wrong), JSON.stringify(wrong)).toThrow(/argument/);
    }
    training.begin({ steps: 1 });
    expect(() => training.begin()).toThrow(/not allowed/);
    expect(() => training.remember(0)).toThrow(/not allowed/);
    expect(() => training.forget()).toThrow(/not allowed/);
    training.run();
    training.forget();
    expect(training.count('train')).toBe(0);
  });

  it('stop ends a burst after the present step', async () => {
    const { training } = await trainedCase('digits', 'skip');
    training.begin({ steps: 1000, views: 1 });
    while (training.step < 3) training.run(1);
    training.stop();
    while (!training.run(1));
    expect(training.step).toBeLessThanOrEqual(4);
  });
});
