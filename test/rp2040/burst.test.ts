/**
 * The burst that `retune build` predicts, against one that the emulated chip runs: the same model,
 * adapter, windows, steps and views. The prediction comes from the firmware's estimates; here they
 * are held against counted cycles.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Device, type BenchTarget } from '../../bench/device.ts';
import { typicalInput } from '../../bench/models.ts';
import { targetOf } from '../../bench/targets.ts';
import type { AdapterOptions } from '../../compiler/adapter.ts';
import { compileModel } from '../../compiler/compile.ts';
import { burstText, predictBurst } from '../../sim/burst.ts';
import { projectRoot } from '../support/data.ts';

const TOLERANCE = 0.1;
const WINDOWS = 5;
const model = {
  file: 'digits.tflite',
  bytes: readFileSync(join(projectRoot, 'models/digits/digits.tflite')),
};

let target: BenchTarget;
beforeAll(async () => {
  const found = await targetOf('rp2040');
  if (found === undefined) throw new Error('the emulated RP2040 needs nothing but npm');
  target = found;
}, 120_000);

function counted(adapter: AdapterOptions, options: { steps: number; batch: number }): number {
  const device = new Device(target, model, adapter);
  const { bytes, zeroPoint } = device.inputTensor;
  const windows = Array.from({ length: WINDOWS }, (_, i) => typicalInput(i + 1, bytes, zeroPoint));
  device.remember(windows, device.classes);
  return device.count(() => {
    device.trainer.begin({ ...options, views: 2 });
    device.trainer.run();
  });
}

describe.each<[string, AdapterOptions, { steps: number; batch: number }]>([
  ['head', { method: 'head' }, { steps: 30, batch: 4 }],
  ['skip', { method: 'skip' }, { steps: 30, batch: 4 }],
  ['lora', { method: 'lora' }, { steps: 3, batch: 2 }],
  [
    'lora on the last two blocks, three of five windows kept',
    { method: 'lora', layers: [6, 8], cache: 3 },
    { steps: 5, batch: 2 },
  ],
])('%s', (_, adapter, options) => {
  test('takes what was predicted, within a tenth', { timeout: 120_000 }, () => {
    const compiled = compileModel(model.bytes, model.file, { adapter, packed: true });
    const predicted = predictBurst(compiled, { ...options, views: 2, windows: WINDOWS });
    const taken = counted(adapter, options);
    expect((predicted?.cycles ?? NaN) / taken).toBeGreaterThan(1 - TOLERANCE);
    expect((predicted?.cycles ?? NaN) / taken).toBeLessThan(1 + TOLERANCE);
  });
});

describe('a prediction', () => {
  const lastTwo = (cache: number): AdapterOptions => ({ method: 'lora', layers: [6, 8], cache });
  const predict = (adapter: AdapterOptions): NonNullable<ReturnType<typeof predictBurst>> => {
    const burst = predictBurst(compileModel(model.bytes, model.file, { adapter, packed: true }));
    if (burst === undefined) throw new Error('there is an adapter');
    return burst;
  };

  test('of more windows that are kept is smaller', () => {
    const cycles = [0, 20, 60].map((cache) => predict(lastTwo(cache)).cycles);
    expect(cycles).toEqual([...cycles].sort((a, b) => b - a));
    expect(cycles[2]).toBeLessThan(0.7 * (cycles[0] ?? 0));
  });

  test('counts what the defaults do', () => {
    const burst = predict({ method: 'skip' });
    expect(burst).toMatchObject({ windows: 60, steps: 300, batch: 8, views: 8 });
    // The first view of every window, and all further ones that are made before the last step.
    expect(burst.frozen.times).toBe(60 + 419);
    expect(burst.samples.times).toBe(2400);
    const { frozen, samples, updates } = burst;
    expect(frozen.cycles + samples.cycles + updates.cycles - burst.cycles).toBeLessThan(3);
  });

  test('is told in cycles, seconds and joules', () => {
    const burst = predict({ method: 'head' });
    const text = burstText(burst, 100e6, (cycles) => cycles / 1e9);
    expect(text).toContain('300 steps, batch 8, on 60 windows in 8 views');
    expect(text).toContain(`${(burst.cycles / 100e6).toFixed(1)} s`);
    expect(text).toContain(`${(burst.cycles / 1e9).toFixed(2)} J`);
  });

  test('without an adapter there is none', () => {
    expect(predictBurst(compileModel(model.bytes, model.file))).toBeUndefined();
  });
});
