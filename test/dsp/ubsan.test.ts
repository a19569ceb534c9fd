import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dspQuant, DSP_PROFILE_FACTS, DSP_PROFILES } from '../../native/dsp/quant.ts';
import { buildWasm } from './build-wasm.ts';
import { edgeCases, noise } from './signals.ts';
import { DspWasm } from './wasm.ts';

// Overflow, bad shifts and the like trap as WebAssembly `unreachable`, which throws here. Loads and
// stores beyond an array are what test/dsp/sanitize.mjs is for.
const folder = mkdtempSync(join(tmpdir(), 'retune-dsp-'));
const file = join(folder, 'dsp-ubsan.wasm');

beforeAll(() => buildWasm(file, ['-fsanitize=undefined', '-fsanitize-trap=undefined']));
afterAll(() => rmSync(folder, { recursive: true }));

it('the build under test does trap', () => {
  // A shift of 0 makes quantise() shift by -1: proof that the flags arrived.
  const dsp = new DspWasm('digits', 1024, file);
  const quant = { ...dspQuant({ scale: 1, zeroPoint: 0 }), shift: Array<number>(10).fill(0) };
  expect(() => dsp.window(quant)).toThrow('unreachable');
});

describe.each([...DSP_PROFILES])('no undefined behaviour, %s', (profile) => {
  const { clipSamples } = DSP_PROFILE_FACTS[profile];
  const signals = { ...edgeCases(clipSamples), long: noise(8, 32767, 60000) };
  const quants = [
    { scale: 0.5847, zeroPoint: 83 },
    { scale: 2 ** -19, zeroPoint: -128 },
    { scale: 2 ** 29, zeroPoint: 127, mean: Array<number>(10).fill(-511.9) },
  ].map(dspQuant);

  it.each(Object.entries(signals))('%s', (_, pcm) => {
    const checked = new DspWasm(profile, 1024, file);
    const plain = new DspWasm(profile);
    for (const dsp of [checked, plain]) dsp.clip(pcm);
    expect(checked.coefficients()).toEqual(plain.coefficients());
    for (const dsp of [checked, plain]) dsp.push(pcm.subarray(0, 3333));
    expect(checked.coefficients()).toEqual(plain.coefficients());
    expect(checked.level()).toBe(plain.level());
    for (const quant of quants) expect(checked.window(quant)).toEqual(plain.window(quant));
    expect(checked.feed(pcm)).toBe(plain.feed(pcm));
    expect(checked.overruns()).toBe(plain.overruns());
  });
});
