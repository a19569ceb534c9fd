import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firmwareWasm } from './wasm.ts';

// The bounds are those that native/dsp/fixed.h states.
const exported = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(firmwareWasm)))
  .exports as Record<string, unknown>;
const log2 = exported['rt_dsp_log2'] as (x: number) => number;
const log2Add = exported['rt_dsp_log2_add'] as (a: number, b: number) => number;
const sqrt = exported['rt_dsp_sqrt'] as (x: number) => number;

describe('fixed-point functions', () => {
  it('log2 is exact to 0.57 of the last place, for all 32 bits', () => {
    const error = (x: number) => Math.abs(log2(x) - 1024 * Math.log2(x));
    for (let x = 1; x < 200_000; x++) if (error(x) > 0.57) expect(x).toBe('within 0.57');
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 0xffffffff }), (x) => error(x) <= 0.57),
      { numRuns: 20_000 },
    );
    expect([1, 2, 1024, 2 ** 31].map(log2)).toEqual([0, 1024, 10240, 31744]);
  });

  it('log2 of a sum is exact to 0.73 of the last place, in either order', () => {
    for (let b = -20_000; b <= 20_000; b++) {
      const exact = 1024 * Math.log2(1 + 2 ** (b / 1024));
      if (Math.abs(log2Add(0, b) - exact) > 0.73) expect(b).toBe('within 0.73');
      if (log2Add(b, 0) !== log2Add(0, b)) expect(b).toBe('symmetric');
    }
    expect(log2Add(-32768, -20410)).toBe(-20410);
  });

  it('sqrt is exact to 7e-5 and stays within 16 bits', () => {
    for (let i = 0; i < 3 * 65536; i++) {
      const x = 2 ** 30 + i * 16384 + (i % 16384);
      const root = sqrt(x);
      if (Math.abs(root / Math.sqrt(x) - 1) > 7e-5) expect(x).toBe('within 7e-5');
      if (root < 32768 || root > 65535) expect(root).toBe('16 bits');
    }
    expect(sqrt(0xffffffff)).toBe(65534);
  });
});
