/** What compiler/training.ts plans, and what it refuses. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compileModel, type CompiledModel } from '../../compiler/compile.ts';
import type { AdapterOptions } from '../../compiler/adapter.ts';
import { modelPath } from './cases.ts';

const file = modelPath('digits');
const bytes = readFileSync(file);
const compile = (adapter: AdapterOptions): CompiledModel => compileModel(bytes, file, { adapter });

describe('plans for the digits model', () => {
  it('trains low-rank deltas on all pointwise layers in 64 KB, with an adapter below 4 KB', () => {
    const { training, arenaBytes } = compile({ method: 'lora', rank: 4 });
    expect(training?.sites).toHaveLength(5);
    expect(arenaBytes).toBeLessThanOrEqual(65_536);
    expect(training?.adapterBytes).toBeLessThanOrEqual(4096);
  });

  it('takes rank 8 for skip and 4 for lora where none is given', () => {
    expect(compile({ method: 'skip' }).training?.rank).toBe(8);
    expect(compile({ method: 'lora' }).training?.rank).toBe(4);
    expect(compile({ method: 'head' }).training?.rank).toBe(0);
    expect(compile({ method: 'skip' }).training?.adapterBytes).toBeLessThanOrEqual(4096);
  });

  it('trains chosen layers only, by position or by name', () => {
    const all = compile({ method: 'lora' });
    const byPosition = compile({ method: 'lora', layers: [8] });
    expect(byPosition.training?.sites).toHaveLength(2);
    const name = byPosition.training?.sites[1] ?? '';
    expect(compile({ method: 'lora', layers: [name] }).training?.sites).toEqual(
      byPosition.training?.sites,
    );
    // Training stops there: nothing is propagated further, nothing further is kept.
    expect(byPosition.arenaBytes).toBeLessThan(all.arenaBytes / 2);
  });

  it('gives the head alone a low-rank delta where lora names it', () => {
    const { training } = compile({ method: 'lora', rank: 4, layers: [10] });
    expect(training?.sites).toHaveLength(1);
    // 24 bytes of header, 3 exponents, A 4 x 96, b 10, B 10 x 4
    expect(training?.adapterBytes).toBe(24 + 3 + 384 + 10 + 40);
    expect(training?.cache.windows).toBe(60);
  });
});

describe('what cannot be planned is refused with what to change', () => {
  const refused: [string, AdapterOptions, RegExp][] = [
    ['rank 0', { method: 'lora', rank: 0 }, /rank 0; choose a rank from 1 to 16/],
    ['rank 17', { method: 'skip', rank: 17 }, /rank 17; choose a rank from 1 to 16/],
    ['an unknown layer', { method: 'lora', layers: ['nowhere'] }, /"nowhere" does not exist/],
    ['a depthwise layer', { method: 'lora', layers: [1] }, /cannot have a low-rank delta/],
    ['the head and others', { method: 'lora', layers: [8, 10] }, /is the head and always trained/],
    ['a tap behind the head', { method: 'skip', layers: [11] }, /not before the head/],
  ];
  it.each(refused)('%s', (_, adapter, message) => {
    expect(() => compile(adapter)).toThrow(message);
    expect(() => compile(adapter)).toThrow(file);
  });
});
