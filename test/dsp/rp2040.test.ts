import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildImage } from '../../bench/rp2040/build.ts';
import { Rp2040Machine } from '../../bench/rp2040/machine.ts';
import {
  dspQuant,
  dspQuantWords,
  DSP_PROFILE_FACTS,
  DSP_PROFILES,
  type DspProfile,
} from '../../native/dsp/quant.ts';
import { Random } from '../../sim/random.ts';
import { projectRoot } from '../support/data.ts';
import { edgeCases, noise } from './signals.ts';
import { DspWasm } from './wasm.ts';

// The board's own machine code on an emulated RP2040: same numbers as the simulator's, in time.
const folder = mkdtempSync(join(tmpdir(), 'retune-dsp-'));
const image = join(folder, 'dsp.elf');
const RING = 1024;
const FRAMES = 12;

beforeAll(() => {
  const sources = readdirSync(join(projectRoot, 'native/dsp')).filter((n) => n.endsWith('.c'));
  const twins = join(projectRoot, 'test/dsp/fft_portable.c');
  buildImage({
    sources: [...sources.map((name) => join('native/dsp', name)), twins],
    output: image,
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A chip with a stream that has heard nothing. */
function start(profile: DspProfile): { machine: Rp2040Machine; state: number } {
  const machine = Rp2040Machine.load(image);
  const table = machine.address(`rt_dsp_profile_${profile.replace('-', '_')}`);
  const bytes = machine.call('rt_dsp_memory_bytes', [table, RING]).result;
  const state = machine.allocate(machine.call('rt_dsp_state_bytes').result);
  const memory = machine.allocate(bytes);
  expect(machine.call('rt_dsp_init', [state, table, memory, bytes, RING]).result).toBe(0);
  return { machine, state };
}

describe.each([...DSP_PROFILES])('on the RP2040, %s', (profile) => {
  it('computes what the simulator computes, a frame in less than 100,000 cycles', () => {
    const { windowSamples, hopSamples } = DSP_PROFILE_FACTS[profile];
    const pcm = noise(11, 6000, windowSamples + (FRAMES - 1) * hopSamples);
    const quant = dspQuant({ scale: 0.5847, zeroPoint: 83 });

    const { machine, state } = start(profile);
    const samples = machine.write(pcm);
    const cycles: number[] = [];
    for (let at = 0; at < pcm.length; at += 80) {
      machine.call('rt_dsp_feed', [state, samples + 2 * at, Math.min(80, pcm.length - at)]);
      const run = machine.call('rt_dsp_run', [state, 1]);
      if (run.result === 1) cycles.push(run.cycles);
    }
    expect(cycles.length).toBe(FRAMES);
    expect(Math.max(...cycles)).toBeLessThan(100_000);
    expect(Math.min(...cycles)).toBeGreaterThan(40_000);

    const dsp = new DspWasm(profile);
    dsp.push(pcm);
    const out = machine.allocate(4 * 490);
    expect(machine.call('rt_dsp_coefficients', [state, out]).result).toBe(1);
    const coefficients = Float64Array.from(machine.readInt32(out, 490), (x) => x / 65536);
    expect(coefficients).toEqual(dsp.coefficients());
    const window = machine.call('rt_dsp_window', [state, machine.write(dspQuantWords(quant)), out]);
    expect(window.cycles).toBeLessThan(350_000);
    expect(machine.readInt8(out, 490)).toEqual(dsp.window(quant));
    expect(machine.call('rt_dsp_level', [state]).result).toBe(dsp.level() * 256);
  });

  const { windowSamples, hopSamples } = DSP_PROFILE_FACTS[profile];
  const length = windowSamples + 2 * hopSamples;
  it.each(Object.entries(edgeCases(length)))('the same for %s', (_, pcm) => {
    const { machine, state } = start(profile);
    const samples = machine.write(pcm);
    const dsp = new DspWasm(profile);
    const compare = (count: number): void => {
      dsp.push(pcm.subarray(0, count));
      machine.call('rt_dsp_push', [state, samples, count]);
      const out = machine.allocate(4 * 490);
      machine.call('rt_dsp_coefficients', [state, out]);
      const coefficients = Float64Array.from(machine.readInt32(out, 490), (x) => x / 65536);
      expect(coefficients).toEqual(dsp.coefficients());
    };
    compare(Math.min(length, pcm.length));
    // Frames that begin at an odd place of the ring, and run over its end.
    machine.call('rt_dsp_discard', [state]);
    dsp.discard();
    if (pcm.length > hopSamples) compare(hopSamples - 1);
    compare(Math.min(length, pcm.length));
  });
});

describe('assembler and its twin in C', () => {
  const random = new Random(7);
  const unit = (): number => random.next() / 2 ** 32;
  /** Points of any size up to what a spectrum may hold, single bits and zeros among them. */
  const points = (bits: number): Int32Array =>
    Int32Array.from({ length: 512 }, (_, i) => {
      const size = i % 7 === 0 ? bits : 1 + Math.floor(unit() * bits);
      const value = Math.floor((unit() * 2 - 1) * 2 ** size);
      if (i % 11 === 0) return 0;
      return i % 13 === 0 ? Math.sign(value) * 2 ** (size - 1) : value;
    });
  /** The words that both make of the same work area. */
  const both = (name: string, work: Int32Array, args: number[]): [Int32Array, Int32Array] => {
    const machine = Rp2040Machine.load(image);
    const [fast, plain] = ['rt_dsp_fft_', 'portable_'].map((prefix) => {
      const at = machine.write(work);
      machine.call(`${prefix}${name}`, [at, ...args]);
      return machine.readInt32(at, 512);
    });
    return [fast!, plain!];
  };

  it.each([4, 16, 64])('a pass with spans of %i points', (step) => {
    for (const bits of [2, 16, 27]) {
      const [fast, plain] = both('pass', points(bits), [step, 128 / step]);
      expect(fast).toEqual(plain);
    }
  });

  it('the split', () => {
    for (const bits of [2, 16, 29]) {
      const [fast, plain] = both('split', points(bits), []);
      expect(fast).toEqual(plain);
    }
  });

  it.each(['powers', 'magnitudes'])('bins: %s', (name) => {
    for (const bits of [1, 4, 9, 15, 16, 17, 24, 25, 30]) {
      for (const [first, end] of [
        [1, 256],
        [5, 121],
        [255, 256],
      ] as const) {
        const [fast, plain] = both(name, points(bits), [first, end]);
        expect(fast.subarray(first, end)).toEqual(plain.subarray(first, end));
      }
    }
  });
});
