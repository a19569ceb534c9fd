/**
 * Fused updates: a sample changes the weights by rate times its gradient, which compare.ts holds
 * against PyTorch; and the loops that do it, in assembler and in C.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildFirmware, ChipFirmware } from '../../bench/rp2040/firmware.ts';
import { scratchFolder } from '../../compiler/toolchain.ts';
import { Firmware, type FirmwareInterface } from '../../sim/firmware.ts';
import { Random } from '../support/random.ts';
import type { TrainingOptions } from '../../sim/training.ts';
import { HEADER_BYTES, METHODS, readCase, trainedCase, type Method } from './cases.ts';
import { engineGradients, readReference, relativeError } from './gradients.ts';

const CASE = 'digits';

/** Real parameters of a saved adapter. */
function parametersOf(blob: Uint8Array, method: Method): Float64Array {
  const { groups } = readCase(CASE).adapters[method];
  const payload = new Int8Array(blob.buffer, blob.byteOffset + HEADER_BYTES);
  const parts = groups.map(({ first, rows, columns }, g) =>
    Array.from({ length: rows * columns }, (_, i) => {
      const q = payload[groups.length + first + i] ?? NaN;
      return q * 2 ** -(payload[g] ?? NaN);
    }),
  );
  return Float64Array.from(parts.flat());
}

/** What one window changes. */
async function change(method: Method, options: Partial<TrainingOptions>): Promise<Float64Array> {
  const { window } = readReference(CASE);
  const { training } = await trainedCase(CASE, method, 'busy');
  readCase(CASE).labels.forEach((_, i) => training.assign(i, i === window ? 'train' : 'heldOut'));
  const before = parametersOf(training.save(), method);
  training.begin({ steps: 1, batch: 1, views: 1, decay: 0, smoothing: 0, ...options });
  training.run();
  return parametersOf(training.save(), method).map((value, i) => value - (before[i] ?? NaN));
}

const norm = (values: Float64Array): number => Math.sqrt(values.reduce((a, x) => a + x * x, 0));

describe.each(METHODS)('%s', (method) => {
  it('a sample changes the weights by rate times gradient', async () => {
    const { parameters } = await engineGradients(CASE, method);
    const rate = 0.4 / norm(parameters);
    const got = await change(method, { rate, clip: 0 });
    // What is seen are int8 weights, a step of which is a tenth of the largest change.
    expect(
      relativeError(
        got,
        parameters.map((g) => -rate * g),
      ),
    ).toBeLessThan(0.2);
  });
});

describe.each(['head', 'skip'] as const)('%s', (method) => {
  it('a gradient is clipped by its own norm, known before it is applied', async () => {
    const { parameters } = await engineGradients(CASE, method);
    const clip = norm(parameters) / 4;
    const rate = 0.4 / clip;
    const got = await change(method, { rate: Math.min(rate, 1), clip });
    const factor = -Math.min(rate, 1) / 4;
    expect(
      relativeError(
        got,
        parameters.map((g) => factor * g),
      ),
    ).toBeLessThan(0.15);
  });
});

describe('momentum', () => {
  it('is refused without buffers for it', async () => {
    const { training } = await trainedCase(CASE, 'head');
    expect(() => training.begin({ momentum: 0.9 })).toThrow(/argument/);
    const other = await trainedCase(CASE, 'head', undefined, { optimizer: 'momentum' });
    expect(other.training.defaults.momentum).toBeCloseTo(0.9, 3);
    other.training.begin({ steps: 1, momentum: 0.9 });
    other.training.run();
  });
});

const chip = (): FirmwareInterface => {
  const elf = join(scratchFolder('update-test'), 'engine.elf');
  buildFirmware(elf);
  return new ChipFirmware(elf);
};

/** Parameters, vectors and room behind them, in a firmware's memory. */
class Bench {
  readonly q: number;
  readonly low: number;
  readonly x: number;
  readonly sums: number;

  constructor(readonly firmware: FirmwareInterface) {
    this.q = firmware.allocate(256);
    this.low = firmware.allocate(256);
    this.x = firmware.allocate(1024);
    this.sums = firmware.allocate(16);
  }

  masters(q: Int8Array, low: Uint8Array): void {
    this.firmware.i8(this.q, q.length).set(q);
    this.firmware.u8(this.low, low.length).set(low);
  }

  outer(name: string, x: number[], factor: number, phase: number): string {
    this.firmware.i32(this.x, x.length).set(x);
    const rest = this.firmware.call(name, this.q, this.low, this.x, x.length, factor, phase);
    const bytes = [...this.firmware.i8(this.q, 256), ...this.firmware.u8(this.low, 256)];
    return [rest, ...bytes].join();
  }

  rows(name: string, w: Int8Array, shape: [number, number], x: number[], sums: number[]): string {
    this.firmware.i8(this.q, w.length).set(w);
    this.firmware.i32(this.x, x.length).set(x);
    this.firmware.i32(this.sums, 4).set(sums);
    this.firmware.call(name, this.q, ...shape, this.x, x.length, this.sums);
    return [...this.firmware.i32(this.sums, 4)].join();
  }
}

describe('assembler and portable C', () => {
  const bench = new Bench(chip());

  it('change the same masters', () => {
    const random = new Random(5);
    for (let round = 0; round < 120; round++) {
      const isExtreme = round % 3 === 0;
      const count = 1 + random.below(128);
      const q = Int8Array.from({ length: 256 }, () => random.between(-100, 100));
      const low = Uint8Array.from({ length: 256 }, () => random.below(256));
      const most = isExtreme ? 32767 : 255;
      const x = Array.from({ length: count }, () =>
        isExtreme && random.below(2) === 0 ? most : random.between(-most, most),
      );
      const factor = isExtreme ? 65000 * (random.below(2) * 2 - 1) : random.between(-90000, 90000);
      const phase = isExtreme ? 65535 * random.below(2) : random.below(65536);
      bench.masters(q, low);
      const mine = bench.outer('rt_update_outer', x, factor, phase);
      bench.masters(q, low);
      const theirs = bench.outer('rt_update_outer_portable', x, factor, phase);
      expect(mine, `round ${round}, ${count} parameters`).toBe(theirs);
    }
  });

  it('multiply the same rows, whatever the stride', () => {
    const random = new Random(6);
    for (let round = 0; round < 80; round++) {
      const count = 1 + random.below(24);
      const isTransposed = round % 2 === 1;
      const shape: [number, number] = isTransposed ? [1, 4 + random.below(6)] : [count, 1];
      const w = Int8Array.from({ length: 256 }, () => (round % 5 === 0 ? -128 : random.int8()));
      const x = Array.from({ length: count }, () =>
        round % 5 === 0 ? 32767 : random.between(-40000, 40000),
      );
      const sums = Array.from({ length: 4 }, () => random.next() | 0);
      const mine = bench.rows('rt_rows_add4', w, shape, x, sums);
      expect(mine, `round ${round}`).toBe(bench.rows('rt_rows_add4_portable', w, shape, x, sums));
    }
  });
});

describe('vectors', () => {
  const firmware = chip();
  const [from, x, to] = [256, 256, 4096].map((bytes) => firmware.allocate(bytes));

  it('are expanded alike, with the same sum of squares', () => {
    const random = new Random(8);
    for (let round = 0; round < 60; round++) {
      const count = 1 + random.below(67);
      const zero = [0, -128, 127, random.int8()][round % 4] ?? NaN;
      const bytes = Int8Array.from({ length: count }, () =>
        round % 5 === 0 ? -128 : random.int8(),
      );
      const run = (name: string): string => {
        firmware.i8(from ?? NaN, count).set(bytes);
        const squares = firmware.call(name, from ?? NaN, zero, count, to ?? NaN);
        return [squares, ...firmware.i32(to ?? NaN, count)].join();
      };
      const exact = Array.from(bytes, (value) => value - zero);
      const squares = exact.reduce((sum, value) => sum + value * value, 0);
      const expected = [squares, ...exact].join();
      expect(run('rt_rows_expand'), `round ${round}`).toBe(expected);
      expect(run('rt_rows_expand_portable'), `round ${round}`).toBe(expected);
    }
  });

  it('have the same products', () => {
    const random = new Random(9);
    for (let round = 0; round < 60; round++) {
      const [rows, columns] = [1 + random.below(20), 1 + random.below(20)];
      const right = random.below(16);
      const values = (count: number): number[] =>
        Array.from({ length: count }, () =>
          round % 3 === 0 ? -32768 + 65535 * random.below(2) : random.between(-32768, 32767),
        );
      const [a, b] = [values(rows), values(columns)];
      const run = (name: string): string => {
        firmware.i32(from ?? NaN, rows).set(a);
        firmware.i32(x ?? NaN, columns).set(b);
        firmware.call(name, from ?? NaN, rows, x ?? NaN, columns, right, to ?? NaN);
        return firmware.i32(to ?? NaN, rows * columns).join();
      };
      const exact = a.flatMap((f) => b.map((value) => (f * value) >> right)).join();
      expect(run('rt_update_products'), `round ${round}`).toBe(exact);
      expect(run('rt_update_products_portable'), `round ${round}`).toBe(exact);
    }
  });
});

describe('diffused rounding', () => {
  it('is unbiased for every parameter, and a row is right to a unit', () => {
    const bench = new Bench(new Firmware());
    const random = new Random(7);
    const x = Array.from({ length: 20 }, () => random.between(-255, 255));
    const factor = 77;
    const exact = x.map((value) => (-factor * value) / 65536);
    const mean = x.map(() => 0);
    const phases = 256;
    for (let i = 0; i < phases; i++) {
      bench.masters(new Int8Array(256), new Uint8Array(256).fill(128));
      bench.outer('rt_update_outer', x, factor, i * 256 + 128);
      const q = bench.firmware.i8(bench.q, 20);
      const low = bench.firmware.u8(bench.low, 20);
      const steps = x.map((_, k) => 256 * (q[k] ?? NaN) + (low[k] ?? NaN) - 128);
      steps.forEach((step, k) => (mean[k] = (mean[k] ?? NaN) + step / phases));
      const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);
      expect(Math.abs(sum(steps) - sum(exact))).toBeLessThan(1);
    }
    mean.forEach((value, k) => expect(Math.abs(value - (exact[k] ?? NaN))).toBeLessThan(0.01));
  });
});
