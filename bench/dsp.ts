/**
 * Cycles of native/dsp on an emulated RP2040: `npx tsx bench/dsp.ts [--profile]`.
 * Prints the worst and the mean frame, a window and memory for both profiles.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { dspQuant, dspQuantWords, DSP_PROFILE_FACTS, DSP_PROFILES } from '../native/dsp/quant.ts';
import { noise } from '../test/dsp/signals.ts';
import { buildImage } from './rp2040/build.ts';
import { Rp2040Machine } from './rp2040/machine.ts';

const RING = 1024;
const image = 'build/bench/dsp.elf';
const sources = readdirSync('native/dsp').filter((name) => name.endsWith('.c'));
buildImage({ sources: sources.map((name) => join('native/dsp', name)), output: image });
const showProfile = process.argv.includes('--profile');

for (const profile of DSP_PROFILES) {
  const facts = DSP_PROFILE_FACTS[profile];
  const machine = Rp2040Machine.load(image);
  const pointer = machine.address(`rt_dsp_profile_${profile.replace('-', '_')}`);
  const state = machine.allocate(machine.call('rt_dsp_state_bytes').result);
  const bytes = machine.call('rt_dsp_memory_bytes', [pointer, RING]).result;
  const status = machine.call('rt_dsp_init', [
    state,
    pointer,
    machine.allocate(bytes),
    bytes,
    RING,
  ]);
  if (status.result !== 0) throw new Error(`rt_dsp_init: ${status.result}`);

  const samples = machine.write(noise(1, 8000, facts.clipSamples));
  const frames: number[] = [];
  let feed = 0;
  let stack = 0;
  let where = new Map<string, number>();
  for (let at = 0; at < facts.clipSamples; at += facts.hopSamples) {
    feed = machine.call('rt_dsp_feed', [state, samples + 2 * at, facts.hopSamples]).cycles;
    const run = machine.call('rt_dsp_run', [state, 1], { profile: showProfile });
    if (run.result === 0) continue;
    frames.push(run.cycles);
    stack = Math.max(stack, run.stackBytes);
    where = run.profile ?? where;
  }
  const quant = machine.write(dspQuantWords(dspQuant({ scale: 0.58, zeroPoint: 83 })));
  const out = machine.allocate(490);
  const window = machine.call('rt_dsp_window', [state, quant, out], { profile: showProfile });
  const mean = frames.reduce((a, b) => a + b, 0) / frames.length;
  console.log(
    `${profile}: feed ${(feed / facts.hopSamples).toFixed(1)} cycles a sample; frame ${Math.round(mean)} ` +
      `cycles (worst ${Math.max(...frames)}); window ${window.cycles} cycles; ` +
      `memory ${bytes} bytes, stack ${Math.max(stack, window.stackBytes)} bytes`,
  );
  if (showProfile) console.log(where, window.profile);
}
