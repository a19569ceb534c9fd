/** What counts as worse than the committed figures, and what those must contain. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compare, merged, readBaseline } from '../../bench/baseline.ts';
import { performancePage } from '../../bench/page.ts';
import { reaches, type BenchRow } from '../../bench/rows.ts';
import { projectRoot } from '../support/data.ts';

function row(part: Partial<BenchRow> = {}): BenchRow {
  return {
    name: 'kernel',
    kind: 'kernel',
    target: 'rp2040',
    what: 'a kernel',
    cycles: 100_000,
    macs: 50_000,
    perMac: 2,
    bytes: 1000,
    checksum: 'aaaaaaaa',
    isCorrect: true,
    reference: 'a reference',
    ok: true,
    ...part,
  };
}

describe('compared with the committed figures', () => {
  const committed = [row()];

  test('the same, better, and 2 % more are fine', () => {
    expect(compare([row()], committed)).toEqual([]);
    expect(compare([row({ cycles: 10 })], committed)).toEqual([]);
    expect(compare([row({ cycles: 102_000, bytes: 1020 })], committed)).toEqual([]);
  });

  test.each<[string, Partial<BenchRow>, RegExp]>([
    ['more than 2 % more cycles', { cycles: 102_001 }, /102001 cycles, 2\.0 % more than 100000/],
    ['more than 2 % more memory', { bytes: 1021 }, /1021 bytes/],
    ['no cycles any more', { cycles: null }, /no cycles any more/],
    ['a wrong result', { isCorrect: false, ok: false }, /differs from a reference/],
    ['another result', { checksum: 'bbbbbbbb' }, /computes bbbbbbbb, aaaaaaaa before/],
    ['a goal that is missed now', { ok: false }, /misses its goal/],
    ['a row that is new', { name: 'other' }, /other: is not in bench\/baseline\.json/],
  ])('%s is worse', (_, part, message) => {
    expect(compare([row(part)], committed).join('\n')).toMatch(message);
  });

  test('a row that is gone is worse, unless its kind was not measured', () => {
    const other = row({ name: 'memory', kind: 'memory' });
    expect(compare([row()], [row(), row({ name: 'gone' })])).toEqual([
      'gone: is not measured any more',
    ]);
    expect(compare([row()], [row(), other])).toEqual([]);
  });

  test('a goal that was missed before may be missed again', () => {
    const missed = row({ ok: false, goal: { unit: 'cycles', value: 100_000, limit: 1 } });
    expect(compare([missed], [missed])).toEqual([]);
  });

  test('goals', () => {
    expect(reaches({ unit: 'cycles', value: 10, limit: 10 })).toBe(true);
    expect(reaches({ unit: 'seconds', value: 10.1, limit: 10 })).toBe(false);
    expect(reaches(undefined)).toBe(true);
  });

  test('measuring one kind leaves the others and the other targets', () => {
    const memory = row({ name: 'memory', kind: 'memory' });
    const before = { rp2040: [row({ name: 'old' }), memory], rv32: [row()] };
    expect(merged(before, 'rp2040', [row({ name: 'new' })])).toEqual({
      rp2040: [row({ name: 'new' }), memory],
      rv32: [row()],
    });
  });
});

describe('bench/baseline.json', () => {
  const baseline = readBaseline();
  const names = (baseline.rp2040 ?? []).map(({ name }) => name);

  test('has what the project promises to measure', () => {
    const promised =
      'ds-cnn fc-256x64 pointwise-25x5x64 depthwise-25x5x64 conv-10x4 train-64x12-lora4 ' +
      'train-digits-lora train-digits-lora-last2-cached train-digits-head-cached burst-300 ' +
      'memory-digits-inference memory-digits-lora memory-digits-skip';
    expect(names).toEqual(expect.arrayContaining(promised.split(' ')));
    expect(new Set(names).size).toBe(names.length);
    expect((baseline.rv32 ?? []).map(({ name }) => name)).toContain('ds-cnn');
  });

  test('holds no wrong result', () => {
    const all = Object.values(baseline).flat();
    const wrong = all.filter(({ isCorrect, missing }) => !isCorrect && missing === undefined);
    expect(wrong.map(({ name, target }) => `${name} on ${target}`)).toEqual([]);
  });

  test('agrees between targets on what kernels compute', () => {
    const other = new Map((baseline.rv32 ?? []).map((r) => [r.name, r.checksum]));
    const kernels = (baseline.rp2040 ?? []).filter(({ kind }) => kind === 'kernel');
    expect(kernels.length).toBeGreaterThan(5);
    for (const { name, checksum } of kernels)
      expect([name, other.get(name)]).toEqual([name, checksum]);
  });

  test('docs/performance.md is written from it', async () => {
    const page = readFileSync(join(projectRoot, 'docs/performance.md'), 'utf8');
    expect(page).toBe(await performancePage(baseline));
  });
});
