/** The forward pass of low-rank deltas: kernels against their portable versions, sums against reals. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildImage } from '../../bench/rp2040/build.ts';
import { Rp2040Machine } from '../../bench/rp2040/machine.ts';
import { compileModel, type CompiledModel } from '../../compiler/compile.ts';
import { packMatrix } from '../../compiler/packing.ts';
import { projectRoot } from '../support/data.ts';
import { Random } from '../support/random.ts';
import { HEADER_BYTES, modelPath, readCase, trainedCase } from '../training/cases.ts';

const folder = mkdtempSync(join(tmpdir(), 'retune-lora-'));
afterAll(() => rmSync(folder, { recursive: true }));

const elf = join(folder, 'lora.elf');
const parts = ['lora', 'pair_rows', 'pair_dot', 'dot', 'fixed'].map((n) => `native/engine/${n}.c`);
buildImage({
  sources: [...parts, 'native/hal/libc.c'].map((path) => join(projectRoot, path)),
  output: elf,
  flags: ['-O2', '-fno-unroll-loops', '-ffreestanding', '-Inative', '-Inative/engine'],
});

describe('rt_lora_add', () => {
  const extremes = (r: Random, limit: number): number => r.pick([-limit, limit, 0, 1, -1]);
  const random = (r: Random, limit: number): number => r.between(-limit, limit);

  it.each([
    ['random', random],
    ['extreme', extremes],
  ])('gives the same as in portable C: %s', (_, draw) => {
    const r = new Random(3);
    for (let count = 1; count <= 9; count++) {
      for (const shift of [1, 2, 16, 31]) {
        const machine = Rp2040Machine.load(elf);
        // Sums of four products within 32 bits.
        const b = machine.write(Int32Array.from({ length: 4 * count }, () => draw(r, 8191)));
        const h = machine.write(Int32Array.from({ length: 4 }, () => draw(r, 32768)));
        const acc = Int32Array.from({ length: count + 2 }, () =>
          r.pick([0, 2 ** 31 - 1, r.u32() | 0]),
        );
        const results = ['rt_lora_add', 'rt_lora_add_portable'].map((version) => {
          const at = machine.write(acc);
          machine.call(version, [b, h, at, count, shift]);
          return machine.readInt32(at, count + 2);
        });
        expect(results[0]).toEqual(results[1]);
        expect(results[0]?.slice(count)).toEqual(acc.slice(count));
      }
    }
  });
});

describe('rt_lora_mask', () => {
  it('has a bit for every byte that is not -128', () => {
    const r = new Random(4);
    for (let count = 1; count <= 20; count++) {
      const machine = Rp2040Machine.load(elf);
      const y = Int8Array.from({ length: 8 * count }, () =>
        r.pick([-128, -128, -127, 127, 0, 1, -1]),
      );
      const at = machine.write(y);
      const expected = Uint8Array.from({ length: count + 1 }, (_, i) =>
        i < count
          ? [...y.subarray(8 * i, 8 * i + 8)].reduce(
              (bits, v, k) => bits | (Number(v !== -128) << k),
              0,
            )
          : 0xa5,
      );
      for (const version of ['rt_lora_mask', 'rt_lora_mask_portable']) {
        const bits = machine.write(new Uint8Array(count + 1).fill(0xa5));
        machine.call(version, [at, bits, count]);
        expect(machine.read(bits, count + 1)).toEqual(expected);
      }
    }
  });
});

describe('rt_pair_pack', () => {
  it('packs as the compiler does', () => {
    const r = new Random(5);
    for (const [rows, columns] of [
      [1, 1],
      [4, 64],
      [3, 66],
      [16, 131],
      [5, 8],
    ] as const) {
      const machine = Rp2040Machine.load(elf);
      const weights = Int8Array.from({ length: rows * columns }, () => Math.max(-127, r.int8()));
      const bias = Int32Array.from({ length: rows }, () => r.u32() | 0);
      const expected = packMatrix(weights, bias, rows, columns);
      if (!expected) throw new Error('cannot be packed');
      const out = machine.allocate(4 * expected.length);
      const args = [machine.write(weights), machine.write(bias), rows, columns, out];
      expect(machine.call('rt_pair_pack', args).result).toBe(1);
      const words = 4 * Math.ceil(rows / 4) * (1 + 2 * Math.ceil(columns / 4));
      expect(machine.readInt32(out, words)).toEqual(Int32Array.from(expected.subarray(0, words)));
    }
  });

  it('refuses a pair of weights whose products would not fit', () => {
    const machine = Rp2040Machine.load(elf);
    const bias = machine.write(new Int32Array(1));
    const out = machine.allocate(64);
    const pack = (...weights: number[]): number =>
      machine.call('rt_pair_pack', [machine.write(Int8Array.from(weights)), bias, 1, 4, out])
        .result;
    expect(pack(-128, 0, -128, 0)).toBe(0);
    expect(pack(0, -128, 0, -128)).toBe(0);
    expect(pack(-128, -128, 127, 127)).toBe(1);
  });
});

interface Site {
  a: Int8Array;
  b: Int8Array;
  /** Of both matrices together. */
  exponent: number;
  zero: number;
  scales: number[];
}

/** A site's parameters from a saved payload, rank 4. */
function siteOf(compiled: CompiledModel, payload: Int8Array, layerIndex: number, i: number): Site {
  const { groups } = readCase('digits').adapters.lora;
  const [a, b] = [groups[2 + 2 * i], groups[3 + 2 * i]];
  const layer = compiled.model.layers[layerIndex];
  const input = compiled.model.tensors[layer?.input ?? -1];
  if (!a || !b || !input) throw new Error(`no site ${i}`);
  const values = (group: typeof a): Int8Array =>
    payload.subarray(groups.length + group.first).subarray(0, group.rows * group.columns);
  const scales = (layer?.weightScale?.values ?? []).map((row) => {
    const { mantissa, exponent } = row as { mantissa: number; exponent: number };
    return mantissa * 2 ** (exponent - 31);
  });
  const exponent = (payload[2 + 2 * i] ?? 0) + (payload[3 + 2 * i] ?? 0);
  return { a: values(a), b: values(b), exponent, zero: input.zeroPoint, scales };
}

/** The delta of every channel in reals. */
function exactDelta(site: Site, x: Int8Array): number[] {
  const dot = (row: Int8Array): number =>
    row.reduce((sum, w, i) => sum + w * ((x[i] ?? 0) - site.zero), 0);
  const h = [0, 1, 2, 3].map((k) => dot(site.a.subarray(k * x.length, (k + 1) * x.length)));
  return site.scales.map((scale, c) => {
    const sum = h.reduce((total, value, k) => total + value * (site.b[4 * c + k] ?? 0), 0);
    return (sum * 2 ** -site.exponent) / scale;
  });
}

describe('the delta of a layer', () => {
  it('is right to a unit of the accumulators', async () => {
    const engine = await trainedCase('digits', 'lora', 'busy', { windows: 1 });
    const { firmware, adapter } = engine.training.internals;
    const file = modelPath('digits');
    const compiled = compileModel(readFileSync(file), file, { adapter: { method: 'lora' } });
    const payload = Int8Array.from(engine.training.save().subarray(HEADER_BYTES));
    const random = new Random(1);
    const layers = [2, 4, 6, 8];
    layers.forEach((layer, i) => {
      const site = siteOf(compiled, payload, layer, i);
      const inputs = site.a.length / 4;
      const [at, h, acc] = [inputs, 16, 4 * site.scales.length].map((n) => firmware.allocate(n));
      firmware.call('rt_lora_prepare', adapter, i);
      let [squares, largest] = [0, 0];
      for (let round = 0; round < 20; round++) {
        const x = Int8Array.from({ length: inputs }, () => random.int8());
        firmware.i8(at ?? 0, inputs).set(x);
        const sums = firmware.i32(acc ?? 0, site.scales.length).fill(0);
        firmware.call('rt_lora_hidden', adapter, at ?? 0, h ?? 0);
        firmware.call('rt_lora_pixel', adapter, h ?? 0, acc ?? 0);
        exactDelta(site, x).forEach((exact, c) => {
          const error = (sums[c] ?? NaN) - exact;
          expect(Math.abs(error)).toBeLessThan(2);
          squares += error ** 2;
          largest = Math.max(largest, Math.abs(exact));
        });
      }
      // Rounding alone has 0.29; there is a delta to speak of.
      expect(Math.sqrt(squares / 20 / site.scales.length)).toBeLessThan(0.5);
      expect(largest).toBeGreaterThan(1000);
    });
  });
});
