import { describe, expect, it } from 'vitest';
import { dspQuant, DSP_PROFILE_FACTS } from '../../native/dsp/quant.ts';
import { Engine } from '../../sim/engine.ts';
import { loadRecordings, type Recording } from '../../sim/recordings.ts';
import { dataPath } from '../support/data.ts';
import { coefficientError } from './errors.ts';
import { clipName, goldenClips } from './golden.ts';
import { mfcc, quantise } from './reference.ts';
import { DspWasm } from './wasm.ts';

describe('golden recordings', () => {
  const cache = new Map<string, Recording[]>();
  const recorded = goldenClips.filter((clip) => clip.recording);
  it.each(recorded.map((clip) => [clipName(clip), clip] as const))('%s', (_, clip) => {
    const { folder, speaker, label, take } = clip.recording!;
    const rate = DSP_PROFILE_FACTS[clip.profile].rateHz;
    const all = cache.get(folder) ?? loadRecordings(dataPath(`audio/${folder}`), rate);
    cache.set(folder, all);
    const found = all.find((r) => r.speaker === speaker && r.label === label && r.take === take);
    const reference = mfcc(clip.profile, found!.pcm);
    expect(coefficientError(reference, clip.coefficients).max).toBeLessThan(2e-5);
    const dsp = new DspWasm(clip.profile);
    dsp.clip(found!.pcm);
    expect(coefficientError(dsp.coefficients(), clip.coefficients).max).toBeLessThan(0.006);
  });
});

/** Mean and deviation of each coefficient, as a model's training would take them. */
function statistics(all: Float64Array[]): { mean: number[]; std: number[] } {
  const n = all.length * 49;
  const sums = Array.from({ length: 10 }, () => [0, 0]);
  for (const clip of all) {
    clip.forEach((x, i) => {
      const sum = sums[i % 10]!;
      sum[0]! += x;
      sum[1]! += x * x;
    });
  }
  const mean = sums.map(([a]) => a! / n);
  return { mean, std: sums.map(([, b], k) => Math.sqrt(b! / n - mean[k]! ** 2)) };
}

const FOLDERS = [
  // Thresholds just above what was measured; docs/dsp.md has the table.
  { profile: 'digits', folder: 'fsdd', clips: 2000, max: 0.005, rms: 0.0004, differ: 0.003 },
  {
    profile: 'mlperf-kws',
    folder: 'speech_commands',
    clips: 1046,
    max: 0.025,
    rms: 0.001,
    differ: 0.001,
  },
] as const;

describe.each(FOLDERS)('all of $folder', ({ profile, folder, clips, ...limit }) => {
  it('is as precise as stated', () => {
    const { rateHz } = DSP_PROFILE_FACTS[profile];
    const recordings = loadRecordings(dataPath(`audio/${folder}`), rateHz);
    const references = recordings.map((r) => mfcc(profile, r.pcm));
    const input =
      profile === 'digits'
        ? { ...statistics(references), scale: 0.04, zeroPoint: 0 }
        : { scale: 0.58470289, zeroPoint: 83 }; // kws_ref_model.tflite
    const quant = dspQuant(input);
    const dsp = new DspWasm(profile);
    expect(recordings.length).toBe(clips);
    let [max, squares, values, differ, furthest] = [0, 0, 0, 0, 0];
    recordings.forEach((recording, i) => {
      const reference = references[i]!;
      dsp.clip(recording.pcm);
      const error = coefficientError(dsp.coefficients(), reference);
      max = Math.max(max, error.max);
      squares += error.rms ** 2;
      const expected = quantise(reference, input);
      dsp.window(quant).forEach((q, j) => {
        const distance = Math.abs(q - expected[j]!);
        values += 1;
        differ += distance > 0 ? 1 : 0;
        furthest = Math.max(furthest, distance);
      });
    });
    expect(max).toBeLessThan(limit.max);
    expect(Math.sqrt(squares / clips)).toBeLessThan(limit.rms);
    expect(furthest).toBe(1);
    expect(differ / values).toBeLessThan(limit.differ);
  });
});

describe('the imported MLPerf Tiny keyword model', () => {
  it('is within a point of the float reference on real speakers, in integers throughout', async () => {
    const engine = await Engine.load(dataPath('models/kws_ref_model.tflite'));
    const words = ['down', 'go', 'left', 'no', 'off', 'on', 'right', 'stop', 'up', 'yes'];
    const unknown = 11;
    const recordings = loadRecordings(dataPath('audio/speech_commands'), 16000);
    const spoken = recordings.filter((r) => !r.speaker.startsWith('_'));
    const right = spoken.filter(({ label, pcm }) => {
      const expected = words.includes(label) ? words.indexOf(label) : unknown;
      return engine.infer(engine.features(pcm)).class === expected;
    });
    expect(spoken.length).toBe(1006);
    expect(right.length / spoken.length).toBeGreaterThan(0.901 - 0.01);
  });
});
