import { afterEach, describe, expect, it } from 'vitest';
import { smallKeywordBytes } from '../support/models.ts';
import { BrowserTflite } from './browser.ts';
import {
  expOfNegative,
  multiplyByScale,
  multiplyByScaleInFloat,
  multiplyByScaleOnce,
  quantiseScale,
  reciprocalOfOnePlus,
  roundingDivideByPowerOfTwo,
  roundingDoublingHighMul,
} from './fixedpoint.ts';
import { prefix, readModel, withOutput, withWeightsAsInputs } from './flatmodel.ts';
import { forReferenceKernels } from './grouped.ts';
import { ReferenceInterpreter } from './reference.ts';

describe('fixed point', () => {
  it('rounds to nearest, ties away from zero', () => {
    const halves = [-5n, -3n, -1n, 1n, 3n, 5n];
    expect(halves.map((x) => roundingDivideByPowerOfTwo(x, 1))).toEqual([
      -3n,
      -2n,
      -1n,
      1n,
      2n,
      3n,
    ]);
    expect(roundingDivideByPowerOfTwo(-6n, 2)).toBe(-2n);
    expect(roundingDivideByPowerOfTwo(7n, 0)).toBe(7n);
  });

  it('multiplies high halves and saturates the one product that does not fit', () => {
    const least = -(2n ** 31n);
    expect(roundingDoublingHighMul(least, least)).toBe(2n ** 31n - 1n);
    expect(roundingDoublingHighMul(2n ** 30n, 3n)).toBe(2n); // 1.5
    expect(roundingDoublingHighMul(2n ** 30n, -3n)).toBe(-1n); // -1.5: ties of products go up
    expect(roundingDoublingHighMul(2n ** 30n, -5n)).toBe(-2n);
  });

  it('splits scales as frexp does', () => {
    const parts = (x: number): [bigint, number] => {
      const { multiplier, shift } = quantiseScale(x);
      return [multiplier, shift];
    };
    expect(parts(1)).toEqual([2n ** 30n, 1]);
    expect(parts(0.5)).toEqual([2n ** 30n, 0]);
    expect(parts(0.75)).toEqual([3n * 2n ** 29n, 0]);
    expect(parts(1 - 2 ** -40)).toEqual([2n ** 30n, 1]); // rounds up to the next power of two
    expect(parts(2 ** -40)).toEqual([0n, 0]);
  });

  it('rounds twice where the specification does, and once where others do', () => {
    // 4 * 0.12475 = 0.499. The high half, 3.992, becomes 4, and 4 / 8 is a tie that goes up.
    const scale = quantiseScale(0.499 / 4);
    const all = [multiplyByScale, multiplyByScaleOnce, multiplyByScaleInFloat];
    const answers = (x: bigint): bigint[] => all.map((multiply) => multiply(x, scale));
    expect(scale.shift).toBe(-3);
    expect(answers(4n)).toEqual([1n, 0n, 0n]);
    expect(answers(400n)).toEqual([50n, 50n, 50n]);
    // Ties: once goes up, single precision to even.
    const half = quantiseScale(0.5);
    expect(multiplyByScaleOnce(-1n, half)).toBe(0n);
    expect(multiplyByScaleOnce(5n, half)).toBe(3n);
    expect(multiplyByScaleInFloat(5n, half)).toBe(2n);
    expect(multiplyByScaleInFloat(-5n, half)).toBe(-2n);
  });

  it('approximates exp and the reciprocal closely', () => {
    for (let x = 0; x < 32; x += 0.37) {
      const value = Number(expOfNegative(BigInt(-Math.round(x * 2 ** 26)))) / 2 ** 31;
      expect(Math.abs(value - Math.exp(-x))).toBeLessThan(2e-7);
    }
    for (let x = 0; x < 1; x += 0.013) {
      const value = Number(reciprocalOfOnePlus(BigInt(Math.round(x * 2 ** 31)))) / 2 ** 31;
      expect(Math.abs(value - 1 / (1 + x))).toBeLessThan(1e-8);
    }
  });
});

describe('rewritten models', () => {
  const bytes = smallKeywordBytes();
  const model = readModel(bytes);
  const input = new Int8Array(90).map((_, i) => (i * 37) % 101);
  const values = new ReferenceInterpreter(bytes).run(input);

  it('with another output give that tensor', () => {
    for (const op of model.ops) {
      const tensor = op.outputs[0] as number;
      const inner = new ReferenceInterpreter(withOutput(bytes, tensor));
      expect(inner.infer(input)).toEqual(values.get(tensor));
    }
  });

  it('cut short have fewer operators', () => {
    const short = readModel(prefix(bytes, 2));
    expect(short.ops).toHaveLength(3);
    expect(short.outputs).toEqual(model.ops[2]?.outputs);
  });

  it('with weights as inputs hold the weights no more', () => {
    const { file, weights } = withWeightsAsInputs(bytes);
    const rewritten = readModel(file);
    expect(rewritten.inputs).toHaveLength(1 + weights.length);
    rewritten.inputs.slice(1).forEach((tensor, i) => {
      expect(rewritten.tensors[tensor]?.data).toHaveLength(0);
      expect(weights[i]).toHaveLength(model.tensors[tensor]?.data.length ?? -1);
    });
  });

  it('for reference kernels have convolutions in groups and no dense layer', () => {
    const grouped = readModel(forReferenceKernels(bytes));
    expect(grouped.ops.map(({ code }) => code)).not.toContain(9);
    for (const { code, inputs } of grouped.ops.filter((op) => op.code === 3)) {
      const [x, filter] = inputs.map((tensor) => grouped.tensors[tensor]?.shape);
      expect(code === 3 && (x?.[3] ?? 0) / (filter?.[3] ?? 1)).toBeGreaterThanOrEqual(2);
    }
  });
});

describe('the browser', () => {
  const before = process.env['CHROMIUM'];
  afterEach(() => {
    if (before === undefined) delete process.env['CHROMIUM'];
    else process.env['CHROMIUM'] = before;
  });

  it('is asked for in one clear line when it is missing', async () => {
    process.env['CHROMIUM'] = '/nowhere/chromium';
    await expect(BrowserTflite.start('plain')).rejects.toThrow(
      /^no Chromium at \/nowhere\/chromium; run: apt-get install chromium/,
    );
  });
});
