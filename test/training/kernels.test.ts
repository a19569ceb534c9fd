/**
 * The way back's kernels on the emulated RP2040: Thumb against portable C, and both against plain
 * arithmetic, on random and extreme data.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildImage } from '../../bench/rp2040/build.ts';
import { Rp2040Machine } from '../../bench/rp2040/machine.ts';
import { Random } from '../support/random.ts';

const folder = mkdtempSync(join(tmpdir(), 'retune-backward-'));
afterAll(() => rmSync(folder, { recursive: true }));

const elf = join(folder, 'backward.elf');
const sources = ['backward_axpy', 'backward_columns', 'backward_emit', 'fixed'];
buildImage({
  sources: [...sources.map((name) => `native/engine/${name}.c`), 'native/hal/libc.c'],
  output: elf,
  flags: ['-O2', '-Inative', '-Inative/engine'],
});

type Draw = (random: Random) => number;
const fill = (count: number, random: Random, draw: Draw): number[] =>
  Array.from({ length: count }, () => draw(random));

/** What a call must leave alone: the registers of its caller. */
function call(machine: Rp2040Machine, name: string, args: number[]): number {
  const { registers } = machine.chip.core;
  for (let r = 4; r < 12; r++) registers[r] = 0x1000 + r;
  const { unsigned } = machine.call(name, args);
  expect(Array.from(registers.slice(4, 12), (r) => r - 0x1000)).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
  return unsigned;
}

const pair = (lower: number, upper: number): number => (lower + upper * 0x10000) >>> 0;

describe('rt_axpy', () => {
  /** Factors and weights whose sums just fit in 16 bits. */
  const DATA: [string, number, Draw, Draw][] = [
    ['random', 16, (r) => r.int8() >> 2, (r) => r.int8() >> 1],
    ['one term', 1, () => -128, () => 127],
    ['the largest sums', 2, () => 129, () => 127],
    ['the smallest sums', 2, () => -129, () => 127],
    [
      'sums of either sign',
      3,
      (r) => (r.int8() < 0 ? -85 : 85),
      (r) => (r.int8() < 0 ? -127 : 127),
    ],
    ['zeros', 5, () => 0, (r) => r.int8()],
  ];

  it.each(DATA)('adds scaled rows: %s', (_, count, factor, weight) => {
    const random = new Random(5);
    for (const blocks of [1, 3]) {
      for (const [add, start] of [
        [0, 0],
        [1, 0],
        [0, pair(-1, 1)],
      ] as const) {
        const machine = Rp2040Machine.load(elf);
        const columns = 8 * blocks;
        const factors = fill(count, random, factor);
        const rows = factors.map(() => fill(columns, random, weight));
        const terms = Uint32Array.from(
          rows.flatMap((row, t) => {
            const words = Uint32Array.from({ length: columns / 2 }, (_word, j) =>
              pair(row[2 * j] ?? 0, row[2 * j + 1] ?? 0),
            );
            return [(factors[t] ?? 0) >>> 0, machine.write(words)];
          }),
        );
        const before = Int32Array.from(fill(columns, random, (r) => r.int8() * 100000));
        const expected = before.map((sum, i) => {
          const first = add ? sum : 0;
          const half = start === 0 ? 0 : i % 2 === 0 ? -1 : 1;
          return factors.reduce((all, f, t) => all + f * (rows[t]?.[i] ?? 0), first + half);
        });
        const at = machine.write(terms);
        for (const version of ['rt_axpy', 'rt_axpy_portable']) {
          const sums = machine.write(before);
          call(machine, version, [at, count, blocks, sums, add, start]);
          expect(machine.readInt32(sums, columns), version).toEqual(expected);
        }
      }
    }
  });
});

describe('rt_axpy_list', () => {
  it.each([
    ['random', (r: Random): number => (r.int8() & 1 ? r.int8() : 0)],
    ['zeros', (): number => 0],
    ['the lowest', (): number => -128],
    ['the highest', (): number => 127],
  ] as [string, Draw][])('lists what is not 0, while there is room: %s', (_, draw) => {
    const random = new Random(9);
    for (const limit of [512, 600, 100000]) {
      const results = ['rt_axpy_list', 'rt_axpy_list_portable'].map((version) => {
        const machine = Rp2040Machine.load(elf);
        const values = Int8Array.from(fill(64, new Random(limit), draw));
        const g = machine.write(values);
        const terms = machine.allocate(8 * 64);
        const list = machine.write(Uint32Array.of(g, g + 64, 0x2000, 40, terms, limit));
        call(machine, version, [list]);
        const [at = 0, , row = 0, , term = 0, room = 0] = machine.readInt32(list, 6);
        const listed = machine.readInt32(terms, (term - terms) / 4);
        const done = values.subarray(0, at - g);
        const expected = [...done].flatMap((v, i) => (v === 0 ? [] : [v, 0x2000 + 40 * i]));
        expect([...listed], version).toEqual(expected);
        expect(row).toBe(0x2000 + 40 * done.length);
        const taken = done.reduce((sum, v) => sum + Math.abs(v), 0);
        expect(room).toBe(limit - taken);
        const next = values.subarray(at - g, at - g + 4);
        const left = room - next.reduce((sum, v) => sum + Math.abs(v), 0);
        if (done.length < 64) expect(left).toBeLessThan(0);
        return [at - g, room];
      });
      expect(results[0]).toEqual(results[1]);
    }
    expect(random.int8()).toBeTypeOf('number');
  });
});

describe('rt_columns', () => {
  it.each([
    ['random', (r: Random): number => r.int8(), (r: Random): number => r.int8() * 200],
    ['extremes', (r: Random): number => (r.int8() < 0 ? -128 : 127), (): number => -32768],
    ['mostly zero', (r: Random): number => (r.int8() < 80 ? -128 : r.int8()), (): number => 32767],
  ] as [string, Draw, Draw][])('sums over pixels: %s', (_, value, factor) => {
    const random = new Random(3);
    for (const pixels of [1, 2, 3, 4, 39, 64]) {
      for (const [stride, zero] of [
        [1, 0],
        [7, -128],
        [64, 127],
      ] as const) {
        const machine = Rp2040Machine.load(elf);
        const values = Int8Array.from(fill(pixels * stride, random, value));
        const factors = Int32Array.from(fill(4 * pixels, random, factor));
        const expected = Int32Array.from({ length: 4 }, (_sum, k) => {
          let sum = 0;
          for (let p = 0; p < pixels; p++) {
            sum += ((values[p * stride] ?? 0) - zero) * (factors[4 * p + k] ?? 0);
          }
          return sum | 0;
        });
        const at = machine.write(values);
        const by = machine.write(factors);
        for (const version of ['rt_columns', 'rt_columns_portable']) {
          const sums = machine.write(Int32Array.of(1, 2, 3, 4, 5));
          call(machine, version, [at, stride, by, pixels, zero, sums]);
          expect([...machine.readInt32(sums, 5)], version).toEqual([...expected, 5]);
        }
      }
    }
  });
});

function xorshift(state: number): number {
  let x = state;
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  return x >>> 0;
}

describe('rt_emit_round', () => {
  it.each([
    ['random', (r: Random): number => (r.int8() & 3 ? r.int8() * 80 : 0)],
    ['small', (r: Random): number => r.int8() % 3],
    ['far too large', (r: Random): number => (r.int8() < 0 ? -(2 ** 29) : 2 ** 29)],
    ['at the bounds', (r: Random): number => (r.int8() < 0 ? -128 * 64 : 128 * 64 - 1)],
  ] as [string, Draw][])('rounds with the bits of the generator and saturates: %s', (_, draw) => {
    const random = new Random(11);
    for (const narrow of [0, 1, 6, 8, 13, 24]) {
      for (const [count, stride] of [
        [3, 1],
        [4, 5],
        [125, 3],
        [64, 1],
      ] as const) {
        const machine = Rp2040Machine.load(elf);
        const sums = fill(count, random, draw);
        const expected = new Int8Array(count * stride).fill(99);
        let magnitude = 0;
        let state = 12345;
        sums.forEach((sum, n) => {
          if (n % 4 === 0) state = xorshift(state);
          const word = (state << (24 - 8 * (n % 4))) >>> 0;
          const u = narrow === 0 ? 0 : word >>> (32 - narrow);
          expected[n * stride] = Math.max(-128, Math.min(127, (sum + u) >> narrow));
          magnitude |= sum ^ (sum >> 31);
        });
        const from = machine.write(Int32Array.from(sums));
        for (const version of ['rt_emit_round', 'rt_emit_round_portable']) {
          const to = machine.write(new Int8Array(count * stride).fill(99));
          const generator = machine.write(Uint32Array.of(12345));
          const got = call(machine, version, [from, count, to, stride, narrow, generator]);
          expect(machine.readInt8(to, count * stride), version).toEqual(expected);
          expect(got).toBe(magnitude >>> 0);
          expect(machine.readInt32(generator, 1)[0]).toBe(state | 0);
        }
      }
    }
  });

  it('is right on average', () => {
    const machine = Rp2040Machine.load(elf);
    const count = 4096;
    const from = machine.write(new Int32Array(count).fill(-37));
    const to = machine.allocate(count);
    call(machine, 'rt_emit_round', [from, count, to, 1, 6, machine.write(Uint32Array.of(7))]);
    const sum = machine.readInt8(to, count).reduce((a, b) => a + b, 0);
    expect(sum / count).toBeCloseTo(-37 / 64, 1);
  });
});

describe('rt_emit_gate', () => {
  it.each([
    [-128, 256],
    [-128, 200],
    [-10, 50],
    [0, 128],
  ])('lets sums pass where low %i < x < low + %i', (low, span) => {
    const random = new Random(13);
    for (const count of [1, 4, 11, 64]) {
      const machine = Rp2040Machine.load(elf);
      const x = Int8Array.from(fill(count + 3, random, (r) => (r.int8() < 0 ? low : r.int8())));
      const sums = Int32Array.from(fill(count, random, (r) => r.int8() * 1000 + 1));
      const expected = sums.map((sum, i) => {
        const value = x[i + 3] ?? 0;
        return value > low && value < low + span ? sum : 0;
      });
      const gate = machine.write(Int32Array.of(0, machine.write(x), low, span));
      const at = machine.write(sums);
      call(machine, 'rt_emit_gate', [at, count, 3, gate]);
      expect(machine.readInt32(at, count)).toEqual(expected);
    }
  });

  it('goes by the bits of a mask, sum by sum and for a whole signal', () => {
    const random = new Random(17);
    const machine = Rp2040Machine.load(elf);
    const bits = Uint8Array.from(fill(10, random, (r) => r.int8() & 255));
    const bit = (i: number): number => ((bits[i >> 3] ?? 0) >> (i & 7)) & 1;
    const mask = machine.write(bits);
    const sums = machine.write(Int32Array.from({ length: 60 }, (_, i) => i + 1));
    call(machine, 'rt_emit_gate', [sums, 60, 13, machine.write(Int32Array.of(mask, 0, 0, 0))]);
    expect([...machine.readInt32(sums, 60)]).toEqual(
      Array.from({ length: 60 }, (_, i) => (bit(13 + i) ? i + 1 : 0)),
    );
    const values = Int8Array.from(fill(80, random, (r) => r.int8()));
    const signal = machine.write(values);
    call(machine, 'rt_emit_mask', [mask, 77, signal]);
    expect(machine.readInt8(signal, 80)).toEqual(
      values.map((value, i) => (i >= 77 || bit(i) ? value : 0)),
    );
  });
});
