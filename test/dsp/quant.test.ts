import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dspQuant, dspQuantWords } from '../../native/dsp/quant.ts';
import { noise } from './signals.ts';
import { DspWasm } from './wasm.ts';

describe('quantisation of coefficients', () => {
  const dsp = new DspWasm('digits');
  dsp.clip(noise(3, 4000, 8000));
  const coefficients = dsp.coefficients();

  it('rounds (x - mean) / std / scale + zeroPoint to the nearest and clamps', () => {
    const ten = (min: number, max: number) =>
      fc.array(fc.double({ min, max, noNaN: true }), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(
        ten(-120, 120),
        ten(0.05, 40),
        fc.double({ min: 0.001, max: 2, noNaN: true }),
        fc.integer({ min: -128, max: 127 }),
        (mean, std, scale, zeroPoint) => {
          const out = dsp.window(dspQuant({ mean, std, scale, zeroPoint }));
          coefficients.forEach((x, i) => {
            const k = i % 10;
            const step = std[k]! * scale;
            const exact = (x - mean[k]!) / step + zeroPoint;
            // Coefficients and means are Q16: so far the nearest integer may be missed at a tie.
            const slack = 0.5 + 1e-5 + 2 ** -15 / step;
            const clamped = Math.max(-128, Math.min(127, exact));
            expect(Math.abs(out[i]! - clamped)).toBeLessThanOrEqual(slack);
          });
        },
      ),
      { numRuns: 100 },
    );
  });

  it('is 31 words in the order of rt_dsp_quant_t', () => {
    const quant = dspQuant({
      mean: Array(10).fill(-1.5),
      std: Array(10).fill(2),
      scale: 0.5,
      zeroPoint: -7,
    });
    const words = dspQuantWords(quant);
    expect(words.length).toBe(31);
    expect(words[0]).toBe(-98304);
    expect(words[10]).toBe(2 ** 30);
    expect(words[20]).toBe(20);
    expect(words[30]).toBe(-7);
  });

  it('says what is impossible', () => {
    expect(() => dspQuant({ scale: 0, zeroPoint: 0 })).toThrow('between 2^-20');
    expect(() => dspQuant({ scale: Number.NaN, zeroPoint: 0 })).toThrow('between 2^-20');
    expect(() => dspQuant({ scale: 1, zeroPoint: 128 })).toThrow('zero point');
    expect(() => dspQuant({ scale: 1, zeroPoint: 0, mean: [1] })).toThrow('10 finite');
    expect(() => dspQuant({ scale: 1, zeroPoint: 0, std: Array(10).fill(0) })).toThrow('2^-20');
    expect(() => dspQuant({ scale: 1, zeroPoint: 0, mean: Array(10).fill(600) })).toThrow('means');
  });
});
