/** How many windows a lora burst keeps frozen activations of: what the budget leaves room for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fillBudget } from '../../compiler/activation-cache.ts';
import type { AdapterOptions, TrainingCache } from '../../compiler/adapter.ts';
import { compileModel } from '../../compiler/compile.ts';
import { memoryReport, reportText, type MemoryReport } from '../../compiler/report.ts';
import { projectRoot } from '../support/data.ts';

const bytes = readFileSync(join(projectRoot, 'models/digits/digits.tflite'));
const LAST_TWO: AdapterOptions = { method: 'lora', layers: [6, 8] };

function reportOf(adapter: AdapterOptions): MemoryReport {
  return memoryReport(compileModel(bytes, 'digits.tflite', { adapter }));
}

function planned(adapter: AdapterOptions, budget?: number): AdapterOptions {
  const compile = (a: AdapterOptions): { cache: TrainingCache; ramBytes: number } | undefined => {
    const { adapter: facts, ram } = reportOf(a);
    return facts ? { cache: facts.cache, ramBytes: ram.total } : undefined;
  };
  return fillBudget(adapter, budget, compile) ?? adapter;
}

describe('the budget decides', () => {
  const entry = reportOf(LAST_TWO).adapter?.cache.entryBytes ?? NaN;

  test.each([70_000, 100_000, 150_000])('%d bytes are filled and not exceeded', (budget) => {
    const adapter = planned(LAST_TWO, budget);
    const { ram, adapter: facts } = reportOf(adapter);
    expect(facts?.cache.windows).toBeGreaterThan(0);
    expect(ram.total).toBeLessThanOrEqual(budget);
    expect(ram.total + entry).toBeGreaterThan(budget);
  });

  test('a budget that is spent already keeps nothing, a large one all windows', () => {
    expect(planned(LAST_TWO, 10_000).cache).toBe(0);
    expect(reportOf(planned(LAST_TWO, 10_000_000)).adapter?.cache.windows).toBe(60);
  });

  test('the manifest may decide itself; without a budget nothing is kept', () => {
    expect(planned({ ...LAST_TWO, cache: 3 }, 10_000_000).cache).toBe(3);
    expect(planned(LAST_TWO).cache).toBeUndefined();
    expect(planned({ method: 'skip' }, 10_000_000).cache).toBeUndefined();
  });
});

describe('the report says what was decided', () => {
  const line = (adapter: AdapterOptions): string =>
    reportText(reportOf(adapter)).split('\n').at(-1) ?? '';

  test('some windows, all, none', () => {
    expect(line({ ...LAST_TWO, cache: 14 })).toMatch(
      /^Kept in a burst: what CONV_2D block3\/pointwise reads, of 14 of 60 windows, 2,496 bytes each, 34,944 together; their samples save 70 % of an inference, the others run/,
    );
    expect(line({ ...LAST_TWO, cache: 60 })).not.toContain('the others');
    expect(line(LAST_TWO)).toMatch(/nothing; "budgets.ram" or "adapter.cache" can keep/);
    expect(line({ method: 'head' })).toMatch(/a vector of each window, [\d,]+ bytes each/);
  });
});
