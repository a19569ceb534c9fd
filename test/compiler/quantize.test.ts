import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  activationRange,
  addParameters,
  convolutionScale,
  denseScale,
  exactReal,
  frexp,
  quantizeMultiplier,
  roundAway,
  softmaxParameters,
  windowSize,
} from '../../compiler/quantize.ts';

const positive = fc.double({ min: 1e-320, max: 1e300, noNaN: true });

test('frexp splits every positive number exactly', () => {
  fc.assert(
    fc.property(positive, (value) => {
      const { fraction, exponent } = frexp(value);
      expect(fraction).toBeGreaterThanOrEqual(0.5);
      expect(fraction).toBeLessThan(1);
      // In two steps, since 2^exponent alone can underflow.
      expect(
        fraction * 2 ** Math.trunc(exponent / 2) * 2 ** (exponent - Math.trunc(exponent / 2)),
      ).toBe(value);
    }),
    { seed: 1 },
  );
});

test('exactReal keeps every float32', () => {
  const float = fc.float({ min: Math.fround(1e-30), max: Math.fround(1e30), noNaN: true });
  fc.assert(
    fc.property(float, (value) => {
      const { mantissa, exponent } = exactReal(value);
      expect(Number.isInteger(mantissa)).toBe(true);
      expect(mantissa).toBeGreaterThanOrEqual(2 ** 30);
      expect(mantissa).toBeLessThan(2 ** 31);
      expect(mantissa * 2 ** (exponent - 31)).toBe(value);
    }),
    { seed: 2 },
  );
});

describe('quantizeMultiplier', () => {
  test.each([
    [0, 0, 0],
    [1, 2 ** 30, 1],
    [0.5, 2 ** 30, 0],
    [0.75, 0.75 * 2 ** 31, 0],
    [3, 0.75 * 2 ** 31, 2],
    // Rounds up to 2^31: halved, shift raised.
    [1 - 2 ** -40, 2 ** 30, 1],
    [2 ** -32, 2 ** 30, -31],
    // A shift below -31 would shift everything out.
    [2 ** -33, 0, 0],
  ])('%d', (real, multiplier, shift) => {
    expect(quantizeMultiplier(real)).toEqual({ multiplier, shift });
  });
});

test('halves round away from zero', () => {
  expect([0.5, 1.5, -0.5, -1.5, 2.4].map(roundAway)).toEqual([1, 2, -1, -2, 2]);
});

test('a dense layer with one scale rounds the product to float32 first', () => {
  const [input, weight, output] = [0.0331, 0.0113, 0.11].map(Math.fround) as [
    number,
    number,
    number,
  ];
  const single = denseScale(input, weight, output);
  const double = convolutionScale(input, weight, output);
  expect(single).not.toBe(double);
  expect(quantizeMultiplier(single)).not.toEqual(quantizeMultiplier(double));
});

describe('activationRange', () => {
  test.each<['NONE' | 'RELU' | 'RELU6', number, number, number, number]>([
    ['NONE', 0.1, 5, -128, 127],
    ['RELU', 0.1, 5, 5, 127],
    ['RELU', 0.1, -128, -128, 127],
    ['RELU6', 0.1, -128, -128, -68],
    ['RELU6', 0.01, -128, -128, 127],
  ])('%s, scale %d, zero point %d', (activation, scale, zeroPoint, min, max) => {
    expect(activationRange(activation, Math.fround(scale), zeroPoint)).toEqual({ min, max });
  });
});

describe('windowSize', () => {
  test.each<['SAME' | 'VALID', number, number, number, number, number]>([
    ['SAME', 49, 10, 2, 25, 4],
    ['SAME', 10, 4, 2, 5, 1],
    ['SAME', 25, 3, 1, 25, 1],
    ['SAME', 5, 1, 3, 2, 0],
    ['VALID', 9, 3, 2, 4, 0],
    ['VALID', 5, 5, 1, 1, 0],
  ])('%s, input %d, kernel %d, stride %d', (padding, input, kernel, stride, output, lead) => {
    expect(windowSize(padding, input, kernel, stride)).toEqual({ output, padding: lead });
  });
});

test('ADD scales both inputs to twice the larger scale', () => {
  const p = addParameters(0.5, 0.25, 1);
  expect(p.left_shift).toBe(20);
  expect([p.input1_multiplier, p.input1_shift]).toEqual([2 ** 30, 0]);
  expect([p.input2_multiplier, p.input2_shift]).toEqual([2 ** 30, -1]);
  expect([p.output_multiplier, p.output_shift]).toEqual([2 ** 30, -19]);
});

test('SOFTMAX with 5 integer bits', () => {
  // beta * scale * 2^26 = 2^24: multiplier 0.5, shift 25.
  const p = softmaxParameters(1, 0.25);
  expect([p.multiplier, p.left_shift]).toEqual([2 ** 30, 25]);
  expect(p.diff_min).toBe(-Math.floor((31 * 2 ** 26) / 2 ** 25));
});
