/** The pair-dot kernel: Thumb and portable versions against plain sums, on random and extreme data. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildImage } from '../../bench/rp2040/build.ts';
import { Rp2040Machine } from '../../bench/rp2040/machine.ts';
import { packMatrix, packedWords } from '../../compiler/packing.ts';
import { Random } from '../support/random.ts';

const folder = mkdtempSync(join(tmpdir(), 'retune-pair-dot-'));
afterAll(() => rmSync(folder, { recursive: true }));

const elf = join(folder, 'pair_dot.elf');
buildImage({ sources: ['native/engine/pair_dot.c', 'native/hal/libc.c'], output: elf });

const SIZES: [rows: number, columns: number][] = [
  [4, 4],
  [1, 1],
  [3, 64],
  [64, 64],
  [5, 40],
  [12, 61],
  [61, 7],
];

type Draw = (random: Random) => number;
const DATA: Record<string, { x: Draw; weight: Draw; bias: Draw }> = {
  random: {
    x: (r) => r.int8(),
    weight: (r) => Math.max(-127, r.int8()),
    bias: (r) => r.int8() * 1000,
  },
  'lowest times lowest': { x: () => -128, weight: () => -127, bias: () => -(2 ** 31) },
  'lowest times highest': { x: () => -128, weight: () => 127, bias: () => 2 ** 31 - 1 },
  extremes: {
    x: (r) => (r.int8() < 0 ? -128 : 127),
    weight: (r) => (r.int8() < 0 ? -127 : 127),
    bias: (r) => (r.int8() < 0 ? -(2 ** 31) : 2 ** 31 - 1),
  },
  'one -128 a pair': {
    x: (r) => (r.int8() < 0 ? -128 : 127),
    weight: (r) => -(r.int8() & 127),
    bias: () => 0,
  },
};

function fill(count: number, random: Random, draw: Draw): number[] {
  return Array.from({ length: count }, () => draw(random));
}

const GUARD = Int32Array.of(1, 2);

/** Memory for `count` words, with two behind it that nobody may write. */
function guarded(machine: Rp2040Machine, count: number): number {
  const at = machine.allocate(4 * count + 8);
  machine.write(GUARD, at + 4 * count);
  return at;
}

describe('rt_pair_run', () => {
  for (const [name, draw] of Object.entries(DATA)) {
    it(`is exact: ${name}`, () => {
      const random = new Random(7);
      for (const [rows, columns] of SIZES) {
        const machine = Rp2040Machine.load(elf);
        const weights = Int8Array.from(fill(rows * columns, random, draw.weight));
        const bias = Int32Array.from(fill(rows, random, draw.bias));
        const x = new Int8Array((columns + 3) & ~3).fill(77);
        x.set(fill(columns, random, draw.x));
        const packed = packMatrix(weights, bias, rows, columns);
        if (!packed) throw new Error('cannot be packed');
        expect(packed.length).toBe(packedWords(rows, columns));
        const blocks = (rows + 3) >> 2;
        const at = machine.write(packed);
        const xAt = machine.write(x);
        const expected = bias.map((b, r) => {
          let sum = b;
          for (let c = 0; c < columns; c++) sum += (weights[r * columns + c] ?? 0) * (x[c] ?? 0);
          return sum | 0;
        });
        // The matrix twice, with other sums to start from: what a second job does to the first shows.
        const start = machine.write(Int32Array.from({ length: 4 * blocks }, (_, r) => r));
        for (const version of ['rt_pair_run', 'rt_pair_run_portable']) {
          const first = guarded(machine, 4 * blocks);
          const second = guarded(machine, 4 * blocks);
          const matrix = at + 16 * blocks;
          const jobs = machine.write(
            Uint32Array.of(matrix, at, first, blocks, matrix, start, second, blocks),
          );
          machine.call(version, [jobs, 2, xAt, x.length / 4]);
          expect(machine.readInt32(first, rows)).toEqual(expected);
          const sums = expected.map((sum, r) => (sum - (bias[r] ?? 0) + r) | 0);
          expect(machine.readInt32(second, rows)).toEqual(sums);
          for (const acc of [first, second]) {
            expect(machine.readInt32(acc + 16 * blocks, 2)).toEqual(GUARD);
          }
        }
      }
    });
  }

  it('adds to its accumulators where start is acc', () => {
    const machine = Rp2040Machine.load(elf);
    const packed = packMatrix(Int8Array.of(1, -2, 3, 4), Int32Array.of(100), 1, 4);
    if (!packed) throw new Error('cannot be packed');
    const at = machine.write(packed);
    const x = machine.write(Int8Array.of(5, 6, 7, 8));
    const acc = machine.write(Int32Array.of(1000, 2, 3, 4));
    machine.call('rt_pair_dot', [at + 16, x, 1, acc, acc, 1]);
    expect(machine.readInt32(acc, 4)).toEqual(Int32Array.of(1046, 2, 3, 4));
  });

  it('leaves the registers of its caller alone', () => {
    const machine = Rp2040Machine.load(elf);
    const { registers } = machine.chip.core;
    for (let r = 4; r < 12; r++) registers[r] = 0x1000 + r;
    const at = machine.allocate(4 * (8 + 32));
    const jobs = machine.write(Uint32Array.of(at, at, at, 1));
    machine.call('rt_pair_run', [jobs, 1, at, 4]);
    expect(Array.from(registers.slice(4, 12), (r) => r - 0x1000)).toEqual([
      4, 5, 6, 7, 8, 9, 10, 11,
    ]);
  });
});

describe('packMatrix', () => {
  it('refuses a pair of weights whose products would not fit', () => {
    const bias = new Int32Array(1);
    expect(packMatrix(Int8Array.of(-128, 0, -128, 0), bias, 1, 4)).toBeUndefined();
    const packed = packMatrix(Int8Array.of(-128, -128, 127, 127), bias, 1, 4) ?? [];
    // -128 above 127, in the first of each block's four rows
    expect([...packed].filter((word) => word !== 0).slice(0, 2)).toEqual([0xff80007f, 0xff80007f]);
  });
});
