import { describe, expect, it } from 'vitest';
import { DSP_PROFILE_FACTS, DSP_PROFILES } from '../../native/dsp/quant.ts';
import { coefficientError } from './errors.ts';
import { clipName, goldenClips } from './golden.ts';
import { mfcc } from './reference.ts';
import { edgeCases, noise } from './signals.ts';
import { DspWasm } from './wasm.ts';

const noises = goldenClips.filter((clip) => clip.noise);

describe.each(noises.map((clip) => [clipName(clip), clip] as const))('%s', (_, clip) => {
  const { seed, amplitude, length } = clip.noise!;
  const pcm = noise(seed, amplitude, length);

  it('the float64 reference agrees with the Python one', () => {
    expect(coefficientError(mfcc(clip.profile, pcm), clip.coefficients).max).toBeLessThan(2e-5);
  });

  it('the fixed-point coefficients are within 0.002', () => {
    const dsp = new DspWasm(clip.profile);
    dsp.clip(pcm);
    const error = coefficientError(dsp.coefficients(), clip.coefficients);
    expect(error.max).toBeLessThan(0.002);
    expect(error.rms).toBeLessThan(0.0006);
  });
});

/**
 * Largest error allowed where it is more than 0.005. These signals put more than about 95 dB between
 * the loudest and the quietest band of one frame, which recorded speech never does: there the
 * 16-bit tables make the floor (docs/dsp.md, Dynamic range).
 */
const WIDE: Record<string, Record<string, number>> = {
  digits: {
    'all -32768': 0.09,
    'all 32767': 0.09,
    '-32768 and one 1': 0.09,
    'square of period 2': 0.07,
    'square of period 3': 0.08,
    'square of period 8': 0.07,
    'square of period 1000': 0.09,
    'chirp of amplitude 32767': 0.1,
    'click of 32767 at 477': 0.025,
    'click of -32768 at 477': 0.025,
  },
  'mlperf-kws': {
    'all -32768': 1.4,
    'all 32767': 1.4,
    'all 1': 1.4,
    'all -1': 1.4,
    '-32768 and one 1': 1.4,
    'square of period 2': 24,
    'square of period 3': 3,
    'square of period 8': 0.5,
    'square of period 50': 0.01,
    'square of period 1000': 1.4,
    'chirp of amplitude 200': 0.02,
    'chirp of amplitude 32767': 3.6,
    'click of 1 at 477': 0.1,
    'click of -1 at 477': 0.1,
    'click of 32767 at 477': 0.1,
    'click of -32768 at 477': 0.1,
  },
};

describe.each([...DSP_PROFILES])('edge cases, %s', (profile) => {
  const cases = Object.entries(edgeCases(DSP_PROFILE_FACTS[profile].clipSamples));
  it.each(cases)('%s', (name, pcm) => {
    const dsp = new DspWasm(profile);
    dsp.clip(pcm);
    const error = coefficientError(dsp.coefficients(), mfcc(profile, pcm));
    expect(error.max).toBeLessThan(WIDE[profile]![name] ?? 0.005);
  });

  it('hears noise 70 dB below a tone in the same frames', () => {
    const { rateHz, clipSamples } = DSP_PROFILE_FACTS[profile];
    const loud = Int16Array.from({ length: clipSamples }, (_, n) =>
      Math.round(30000 * Math.sin((2 * Math.PI * 500 * n) / rateHz)),
    );
    const quiet = noise(3, 19, clipSamples);
    const both = loud.map((x, n) => x + quiet[n]!);
    const dsp = new DspWasm(profile);
    dsp.clip(both);
    const heard = dsp.coefficients();
    expect(coefficientError(heard, mfcc(profile, both)).max).toBeLessThan(0.04);
    // And it matters: without the noise the coefficients are quite others.
    expect(coefficientError(heard, mfcc(profile, loud)).max).toBeGreaterThan(5);
  });

  it('is as precise for a clip 50 dB quieter', () => {
    const { clipSamples } = DSP_PROFILE_FACTS[profile];
    for (const amplitude of [8, 32767]) {
      const pcm = noise(77, amplitude, clipSamples);
      const dsp = new DspWasm(profile);
      dsp.clip(pcm);
      const error = coefficientError(dsp.coefficients(), mfcc(profile, pcm));
      expect(error.max).toBeLessThan(0.003);
    }
  });
});
