/**
 * Requantisation with one multiply: machine code and portable C against rt_output, for every kind of
 * scale, around every step of the staircase, and for accumulators at both ends.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildImage } from '../../bench/rp2040/build.ts';
import { Rp2040Machine } from '../../bench/rp2040/machine.ts';
import { quickTable } from '../../compiler/requantise.ts';
import { Random } from '../support/random.ts';

const folder = mkdtempSync(join(tmpdir(), 'retune-quick-'));
afterAll(() => rmSync(folder, { recursive: true }));

const elf = join(folder, 'quick.elf');
buildImage({ sources: ['native/engine/quick.c', 'native/hal/libc.c'], output: elf });
const machine = Rp2040Machine.load(elf);

const HEADER = 1;
const CHANNEL = 4;
const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;

interface Layer {
  multiplier: number[];
  shift: number[];
  zeroPoint: number;
  min: number;
  max: number;
}

/** TensorFlow Lite's definition, by 64-bit products. */
function reference(acc: number, multiplier: number, shift: number): number {
  const left = BigInt.asIntN(32, BigInt(acc) << BigInt(Math.max(0, shift)));
  const product = left * BigInt(multiplier);
  const nudge = product >= 0n ? 1n << 30n : 1n - (1n << 30n);
  const high = (product + nudge) / (1n << 31n);
  const right = BigInt(Math.max(0, -shift));
  const half = right > 0n ? 1n << (right - 1n) : 0n;
  return Number(high < 0n ? -((-high + half) >> right) : (high + half) >> right);
}

const expected = (layer: Layer, accumulators: Int32Array): Int8Array =>
  Int8Array.from(accumulators, (acc, i) => {
    const q = reference(acc, layer.multiplier[i] ?? 0, layer.shift[i] ?? 0) + layer.zeroPoint;
    return Math.min(layer.max, Math.max(layer.min, q));
  });

const mark = machine.allocate(0);
/** Outputs of one version. */
function run(version: string, layer: Layer, accumulators: Int32Array): Int8Array {
  const { length } = accumulators;
  const multiplier = Int32Array.from(layer.multiplier);
  const shift = Int32Array.from(layer.shift);
  const table = quickTable(multiplier, shift, layer.zeroPoint, layer);
  let at = mark;
  const put = (data: Int32Array): number => {
    const address = at;
    machine.write(data, address);
    at += (data.byteLength + 7) & ~7;
    return address;
  };
  const acc = put(accumulators);
  const channels = put(table) + 4 * HEADER;
  const rest = [acc, put(multiplier), put(shift)];
  const quick = put(Int32Array.of(layer.min, layer.max, table[0] ?? 0, layer.zeroPoint, ...rest));
  const y = put(new Int32Array((length + 11) >> 2).fill(0x55555555)) + 3;
  machine.call(version, [channels, acc, y, length, quick]);
  const [before, after] = [machine.readInt8(y - 3, 3), machine.readInt8(y + length, 4)];
  expect([...before, ...after]).toEqual(new Array(7).fill(0x55));
  return machine.readInt8(y, length);
}

function compare(layer: Layer, accumulators: Int32Array): void {
  const right = expected(layer, accumulators);
  expect(run('rt_quick_pixel', layer, accumulators)).toEqual(right);
  expect(run('rt_quick_pixel_portable', layer, accumulators)).toEqual(right);
}

/** The same channel for many accumulators: near every step, at the ends, and at random. */
function staircase(multiplier: number, shift: number, random: Random): Int32Array {
  const scale = multiplier * 2 ** (shift - 31);
  const list = [INT32_MIN, INT32_MIN + 1, -1, 0, 1, INT32_MAX - 1, INT32_MAX];
  for (let step = -260; step <= 260; step += 1 + random.below(9)) {
    const near = Math.round((step + 0.5) / scale);
    for (let d = -2; d <= 2; d++) list.push(near + d);
  }
  for (let i = 0; i < 40; i++) list.push(Math.round((random.int8() * 1.2) / scale));
  return Int32Array.from(
    list.filter((acc) => acc >= INT32_MIN && acc <= INT32_MAX && Number.isFinite(acc)),
  );
}

const same = (count: number, value: number): number[] => new Array<number>(count).fill(value);

const ACTIVATIONS: [name: string, zeroPoint: number, min: number, max: number][] = [
  ['none', 3, -128, 127],
  ['none, zero point lowest', -128, -128, 127],
  ['none, zero point highest', 127, -128, 127],
  ['ReLU', -128, -128, 127],
  ['ReLU with a zero point', -5, -5, 127],
  ['ReLU6', -128, -128, 90],
  ['two values', 0, 0, 1],
  ['one value', 0, 7, 7],
];

describe('rt_quick_pixel', () => {
  for (const [name, zeroPoint, min, max] of ACTIVATIONS) {
    it(`is rt_output around every step: ${name}`, () => {
      const random = new Random(11);
      for (const multiplier of [2 ** 30, 1518500250, INT32_MAX, 0]) {
        for (const shift of [3, 0, -1, -2, -5, -8, -11, -25, -31]) {
          const accumulators = staircase(multiplier || 1, shift, random);
          if (shift > 0) accumulators.forEach((acc, i) => (accumulators[i] = acc >> (shift + 1)));
          const { length } = accumulators;
          const layer = { multiplier: same(length, multiplier), shift: same(length, shift) };
          compare({ ...layer, zeroPoint, min, max }, accumulators);
        }
      }
    });
  }

  it('is rt_output for layers whose channels differ, of any width', () => {
    const random = new Random(5);
    const next = (n: number): number => Math.abs((random.int8() * 256 + random.int8()) % n);
    for (let count = 1; count <= 36; count++) {
      const multiplier = Array.from({ length: count }, () => 2 ** 30 + next(32768) * 32768);
      const shift = Array.from({ length: count }, () => -next(14));
      const zeroPoint = random.int8();
      const layer = { multiplier, shift, zeroPoint, min: Math.max(-128, zeroPoint), max: 127 };
      const accumulators = Int32Array.from(multiplier, (m, i) => {
        if (next(20) === 0) return next(2) ? INT32_MIN : INT32_MAX;
        return Math.round((1.3 * random.int8()) / (m * 2 ** ((shift[i] ?? 0) - 31)));
      });
      compare(layer, accumulators);
    }
  });

  it('seldom asks rt_output', () => {
    const random = new Random(3);
    const count = 4000;
    const layer = { multiplier: same(count, 1518500250), shift: same(count, -8), zeroPoint: -128 };
    const accumulators = Int32Array.from({ length: count }, () => random.int8() * 300 + 35000);
    const table = quickTable(Int32Array.of(1518500250), Int32Array.of(-8), -128, {
      min: -128,
      max: 127,
    });
    const [bound = 0, first = 0, last = 0, slope = 0, start = 0] = table;
    let undecided = 0;
    for (const acc of accumulators) {
      const d = (acc - first) >>> 0;
      if (acc < first || d > last >>> 0) continue;
      const p = (Math.imul(d, slope) + start) | 0;
      if ((p << 8) >>> 0 >= bound >>> 0) undecided++;
    }
    expect(table.length).toBe(HEADER + CHANNEL);
    expect(undecided).toBeLessThan(count / 100);
    compare({ ...layer, min: -128, max: 127 }, accumulators);
  });

  it('leaves the registers of its caller alone', () => {
    const { registers } = machine.chip.core;
    for (let r = 4; r < 12; r++) registers[r] = 0x1000 + r;
    const layer = { multiplier: same(7, 2 ** 30), shift: same(7, 1), zeroPoint: 0 };
    run('rt_quick_pixel', { ...layer, min: -128, max: 127 }, Int32Array.of(1, 2, 3, 4, 5, 6, 7));
    const kept = Array.from(registers.slice(4, 12), (r) => r - 0x1000);
    expect(kept).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
  });
});
