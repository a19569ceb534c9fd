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
} from '../../native/dsp/quant.ts';
import { projectRoot } from '../support/data.ts';
import { noise } from './signals.ts';
import { DspWasm } from './wasm.ts';

// The board's own machine code on an emulated RP2040: same numbers as the simulator's, in time.
const folder = mkdtempSync(join(tmpdir(), 'retune-dsp-'));
const image = join(folder, 'dsp.elf');
const RING = 1024;
const FRAMES = 12;

beforeAll(() => {
  const sources = readdirSync(join(projectRoot, 'native/dsp')).filter((n) => n.endsWith('.c'));
  buildImage({ sources: sources.map((name) => join('native/dsp', name)), output: image });
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each([...DSP_PROFILES])('on the RP2040, %s', (profile) => {
  it('computes what the simulator computes, a frame in less than 150,000 cycles', () => {
    const { windowSamples, hopSamples } = DSP_PROFILE_FACTS[profile];
    const pcm = noise(11, 6000, windowSamples + (FRAMES - 1) * hopSamples);
    const quant = dspQuant({ scale: 0.5847, zeroPoint: 83 });

    const machine = Rp2040Machine.load(image);
    const table = machine.address(`rt_dsp_profile_${profile.replace('-', '_')}`);
    const bytes = machine.call('rt_dsp_memory_bytes', [table, RING]).result;
    const state = machine.allocate(machine.call('rt_dsp_state_bytes').result);
    const memory = machine.allocate(bytes);
    expect(machine.call('rt_dsp_init', [state, table, memory, bytes, RING]).result).toBe(0);
    const samples = machine.write(pcm);
    const cycles: number[] = [];
    for (let at = 0; at < pcm.length; at += 80) {
      machine.call('rt_dsp_feed', [state, samples + 2 * at, Math.min(80, pcm.length - at)]);
      const run = machine.call('rt_dsp_run', [state, 1]);
      if (run.result === 1) cycles.push(run.cycles);
    }
    expect(cycles.length).toBe(FRAMES);
    expect(Math.max(...cycles)).toBeLessThan(150_000);
    expect(Math.min(...cycles)).toBeGreaterThan(50_000);

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
});
