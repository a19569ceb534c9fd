/** Fixed point of native/services against what the simulator computes in floating point. */
import { beforeAll, describe, expect, it } from 'vitest';
import { featureShift } from '../../sim/features.ts';
import { fromLogits } from '../../sim/prediction.ts';
import { levelOf } from '../../sim/capture.ts';
import { Random } from '../support/random.ts';
import { ServicesBench } from './bench.ts';

let bench: ServicesBench;
let memory: number;

beforeAll(async () => {
  bench = await ServicesBench.create();
  memory = bench.firmware.allocate(16384);
});

const FRACTION_MAX = 32767;

interface Fields {
  label: number;
  confidence: number;
  margin: number;
  entropy: number;
}

/** What the C code makes of logits in Q16. */
function ours(logits: number[]): Fields {
  const { firmware } = bench;
  const out = memory + 8192;
  firmware.u32(memory, logits.length).set(logits.map((value) => value >>> 0));
  firmware.call('rt_prediction_from_logits', memory, logits.length, out);
  const [, , label = 0, confidence = 0, margin = 0, entropy = 0] = firmware.i16(out, 6);
  return { label, confidence, margin: margin & 0xffff, entropy };
}

function theirs(logits: number[]): Fields {
  const real = Float64Array.from(logits, (value) => value / 65536);
  const { class: label, confidence, margin, entropy } = fromLogits(new Int8Array(0), real);
  const fraction = (x: number): number => Math.min(FRACTION_MAX, Math.round(x * 32768));
  return {
    label,
    confidence: fraction(confidence),
    margin: Math.round(Math.min(margin, 255) * 256),
    entropy: fraction(entropy),
  };
}

describe('predictions from logits', () => {
  const random = new Random(7);
  const draw = (spread: number): number =>
    Math.round(((random.u32() / 2 ** 32) * 2 - 1) * spread * 65536);

  it('are those of floating point, to the last place', () => {
    for (let i = 0; i < 3000; i++) {
      const classes = 1 + (random.u32() % 20);
      const spread = [0.001, 0.5, 5, 40, 300][i % 5] ?? 1;
      const logits = Array.from({ length: classes }, () => draw(spread));
      const [mine, exact] = [ours(logits), theirs(logits)];
      expect(mine.label).toBe(exact.label);
      expect(mine.margin).toBe(exact.margin);
      // a tie of rounding may go either way
      expect(Math.abs(mine.confidence - exact.confidence)).toBeLessThanOrEqual(1);
      expect(Math.abs(mine.entropy - exact.entropy)).toBeLessThanOrEqual(1);
    }
  });

  it('hardly ever differ by that place', () => {
    let differences = 0;
    for (let i = 0; i < 3000; i++) {
      const logits = Array.from({ length: 10 }, () => draw(5));
      const [mine, exact] = [ours(logits), theirs(logits)];
      if (mine.confidence !== exact.confidence || mine.entropy !== exact.entropy) differences++;
    }
    expect(differences).toBeLessThanOrEqual(3);
  });

  it('hold at the edges: equal logits, one class, many classes, far apart', () => {
    expect(ours([5, 5, 5, 5])).toEqual({
      label: 0,
      confidence: 8192,
      margin: 0,
      entropy: FRACTION_MAX,
    });
    expect(ours([123])).toEqual({ label: 0, confidence: FRACTION_MAX, margin: 0, entropy: 0 });
    const many = Array.from({ length: 1024 }, (_, i) => 16 * i);
    expect(ours(many)).toEqual(theirs(many));
    const far = [-(2 ** 30) + 1, 2 ** 30 - 1];
    expect(ours(far)).toEqual({ label: 1, confidence: FRACTION_MAX, margin: 65280, entropy: 0 });
  });
});

describe('levels', () => {
  const level = (sum: bigint, count: number): number =>
    (bench.firmware.exports['rt_decibel_level'] as unknown as (s: bigint, n: number) => number)(
      sum,
      count,
    );
  const power = (q9: number, count: number): bigint =>
    BigInt.asUintN(
      64,
      (bench.firmware.exports['rt_decibel_power'] as unknown as (q: number, n: number) => bigint)(
        q9,
        count,
      ),
    );

  it('are those of floating point, rounded', () => {
    const random = new Random(3);
    for (let i = 0; i < 2000; i++) {
      const amplitude = 2 ** ((random.u32() / 2 ** 32) * 15);
      const pcm = Int16Array.from({ length: 1 + (random.u32() % 400) }, () =>
        Math.round((random.u32() / 2 ** 31 - 1) * amplitude),
      );
      const sum = pcm.reduce((total, sample) => total + BigInt(sample) ** 2n, 0n);
      expect(level(sum, pcm.length)).toBe(Math.round(levelOf(pcm) * 256));
    }
    expect(level(0n, 160)).toBe(-96 * 256);
    expect(level(160n << 30n, 160)).toBe(0);
  });

  it('have a power that decides as floating point would', () => {
    for (let q9 = -96 * 512; q9 <= 512; q9 += 37) {
      for (const count of [1, 160, 320, 8000, 200_000]) {
        const real = count * 2 ** 30 * 10 ** (q9 / 5120);
        expect(Math.abs(Number(power(q9, count)) - Math.ceil(real))).toBeLessThanOrEqual(
          1 + real * 2 ** -28,
        );
      }
    }
    expect(power(513, 1)).toBe(2n ** 64n - 1n);
  });
});

describe('shift', () => {
  it('is that of floating point', () => {
    const { firmware } = bench;
    const random = new Random(11);
    const call = (input: Int8Array, scale: number, zeroPoint: number): number => {
      firmware.u8(memory, input.length).set(input);
      const exponent = Math.floor(Math.log2(scale)) + 1;
      const mantissa = Math.round(scale * 2 ** (31 - exponent));
      firmware.u32(memory + 1024, 2).set([mantissa, exponent >>> 0]);
      // a structure is passed by its address
      return firmware.call('rt_prediction_shift', memory, memory + 1024, zeroPoint);
    };
    for (let i = 0; i < 500; i++) {
      const spread = 1 + (random.u32() % 127);
      const input = Int8Array.from({ length: 490 }, () => (random.u32() % (2 * spread)) - spread);
      const scale = Math.fround([0.03, 0.04, 0.585, 1.5][i % 4] ?? 1);
      const zeroPoint = (random.u32() % 41) - 20;
      const exact = Math.min(featureShift(input, scale, zeroPoint), 15.99);
      expect(Math.abs(call(input, scale, zeroPoint) - Math.round(exact * 4096))).toBeLessThan(2);
    }
    expect(call(new Int8Array(490).fill(127), 4, -128)).toBe(Math.round(15.99 * 4096));
    expect(call(new Int8Array(490), 0.04, 0)).toBe(0);
  });
});
