/**
 * The kernels that WebAssembly runs with vectors, against sums in plain numbers and against their
 * portable twins, on random and extreme data, at every length and alignment.
 */
import { describe, expect, it } from 'vitest';
import { RtLayer, RtTensor } from '../../compiler/model.ts';
import type { StructType } from '../../compiler/layout.ts';
import { Firmware } from '../../sim/firmware.ts';
import { Random } from '../support/random.ts';

const LOWEST = -(2 ** 31);
const HIGHEST = 2 ** 31 - 1;

const random = new Random(21);
const extremeByte = (): number => random.pick([-128, -127, -1, 0, 1, 127]);
const anyByte = (): number => (random.oneIn(2) ? extremeByte() : random.int8());
const anyWord = (): number =>
  random.pick([LOWEST, LOWEST + 1, -1, 0, 1, HIGHEST, random.u32() | 0, random.u32() >> 12]);

const bytes = (count: number): Int8Array => Int8Array.from({ length: count }, anyByte);

/** Copies into memory that lies `offset` bytes behind an aligned address. */
function place(firmware: Firmware, data: Int8Array | Int32Array | Uint32Array, offset = 0): number {
  const at = firmware.allocate(data.byteLength + offset) + offset;
  const from = new Int8Array(data.buffer, data.byteOffset, data.byteLength);
  firmware.i8(at, data.byteLength).set(from);
  return at;
}

describe('rt_dot_plain', () => {
  it('adds the products of every row, whatever its length and alignment', () => {
    const firmware = new Firmware();
    for (let count = 1; count <= 70; count++) {
      const rows = random.between(1, 9);
      const stride = count + random.below(3);
      const weights = bytes(rows * stride);
      const x = bytes(count);
      const acc = Int32Array.from({ length: rows }, anyWord);
      const expected = acc.map((start, r) => {
        let sum = start;
        for (let i = 0; i < count; i++) sum += (weights[r * stride + i] ?? 0) * (x[i] ?? 0);
        return sum | 0;
      });
      const at = place(firmware, acc);
      const rowsAt = place(firmware, weights, random.below(4));
      firmware.call('rt_dot_plain', rowsAt, stride, place(firmware, x, 1), count, rows, at);
      expect(firmware.i32(at, rows), `${rows} x ${count}`).toEqual(expected);
    }
  });
});

/** gemmlowp's definitions, in integers of any size. */
function requantised(acc: number, multiplier: number, shift: number): number {
  const left = shift > 0 ? BigInt.asIntN(32, BigInt(acc) << BigInt(shift)) : BigInt(acc);
  const product = (left * BigInt(multiplier) + (1n << 30n)) >> 31n;
  if (shift >= 0) return Number(product);
  const half = 1n << BigInt(-shift - 1);
  const size = product < 0n ? -product : product;
  const rounded = (size + half) >> BigInt(-shift);
  return Number(product < 0n ? -rounded : rounded);
}

const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

/** Writes members of a structure by name. */
function structure(firmware: Firmware, type: StructType, members: Record<string, number>): number {
  const at = firmware.allocate(type.bytes);
  for (const field of type.fields) {
    const value = members[field.name];
    if (value !== undefined) firmware.i32(at + field.offset, 1)[0] = value;
  }
  return at;
}

describe('rt_requantise_pixel', () => {
  it('rounds as gemmlowp does, with any accumulator, multiplier and shift', () => {
    const firmware = new Firmware();
    for (let run = 0; run < 400; run++) {
      const count = random.between(1, 13);
      const acc = Int32Array.from({ length: count }, anyWord);
      const multiplier = acc.map(() => random.pick([0, 1 << 30, HIGHEST, random.u32() >>> 1]));
      const shift = acc.map(() => random.pick([0, -1, -31, 1, 30, random.between(-31, 30)]));
      const [low, high] = random.pick([
        [-128, 127],
        [-128, -128],
        [-7, 100],
      ]) as [number, number];
      const zero = random.pick([-128, 127, 0, random.int8()]);
      const layer = structure(firmware, RtLayer, {
        activation_min: low,
        activation_max: high,
        multiplier: place(firmware, multiplier),
        shift: place(firmware, shift),
        quick: 0,
      });
      const output = structure(firmware, RtTensor, { zero_point: zero });
      const y = firmware.allocate(count + 1);
      firmware.i8(y, count + 1).fill(99);
      const accAt = place(firmware, acc);
      firmware.call('rt_requantise_pixel', layer, output, 0, count, accAt, y);
      const expected = [...acc].map((value, i) =>
        clamp(requantised(value, multiplier[i] ?? 0, shift[i] ?? 0) + zero, low, high),
      );
      expect([...firmware.i8(y, count + 1)]).toEqual([...expected, 99]);
    }
  });
});

describe('the way back', () => {
  it('rt_axpy adds what its portable twin does', () => {
    const firmware = new Firmware();
    for (let run = 0; run < 60; run++) {
      const blocks = random.between(1, 11);
      const count = random.between(1, 20);
      const terms = new Uint32Array(2 * count);
      for (let t = 0; t < count; t++) {
        const row = Uint32Array.from({ length: 4 * blocks }, () => random.u32());
        terms.set([random.pick([-128, 127, random.int8()]), place(firmware, row)], 2 * t);
      }
      const before = Int32Array.from({ length: 8 * blocks + 1 }, anyWord);
      const at = place(firmware, terms);
      const start = random.u32() | 0;
      const sums = ['rt_axpy', 'rt_axpy_portable'].map((name) => {
        const to = place(firmware, before);
        firmware.call(name, at, count, blocks, to, run & 1, start);
        return [...firmware.i32(to, before.length)];
      });
      expect(sums[0]).toEqual(sums[1]);
    }
  });

  it('rt_emit_round draws, rounds and saturates as its portable twin does', () => {
    const firmware = new Firmware();
    for (let run = 0; run < 200; run++) {
      const count = random.between(1, 23);
      const stride = random.pick([1, 1, 3, 64]);
      const narrow = random.between(0, 30);
      const scale = random.below(30);
      const sums = Int32Array.from({ length: count }, () => (random.u32() >> 2) >> scale);
      const at = place(firmware, sums);
      const seed = random.u32() | 1;
      const results = ['rt_emit_round', 'rt_emit_round_portable'].map((name) => {
        const state = place(firmware, Uint32Array.of(seed));
        const signal = firmware.allocate(count * stride);
        const magnitude = firmware.call(name, at, count, signal, stride, narrow, state);
        return [magnitude, firmware.u32(state, 1)[0], ...firmware.i8(signal, count * stride)];
      });
      expect(results[0]).toEqual(results[1]);
    }
  });
});
