/**
 * The committed figures (baseline.json) and what counts as worse. Everything here is deterministic,
 * so a figure that differs is a change of the code.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as prettier from 'prettier';
import { projectRoot } from '../compiler/toolchain.ts';
import type { BenchRow, Target } from './rows.ts';

const FILE = join(projectRoot, 'bench/baseline.json');
/** A figure may grow by so much. */
const TOLERANCE = 0.02;

export type Baseline = Partial<Record<Target, BenchRow[]>>;

export function readBaseline(): Baseline {
  return existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Baseline) : {};
}

/** Puts the rows of a target in place of those of the same kinds. */
export function merged(baseline: Baseline, target: Target, rows: BenchRow[]): Baseline {
  const kinds = new Set(rows.map(({ kind }) => kind));
  const others = (baseline[target] ?? []).filter(({ kind }) => !kinds.has(kind));
  const order = ['kernel', 'training', 'memory', 'power', 'vm'];
  const all = [...others, ...rows].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
  return { ...baseline, [target]: all };
}

export async function writeBaseline(baseline: Baseline): Promise<void> {
  const options = await prettier.resolveConfig(FILE);
  const text = JSON.stringify(baseline);
  writeFileSync(FILE, await prettier.format(text, { ...options, parser: 'json' }));
}

const percent = (now: number, before: number): string =>
  `${((now / before - 1) * 100).toFixed(1)} %`;

function growth(name: string, unit: string, now: number | null, before: number | null): string[] {
  if (now === null && before === null) return [];
  if (now === null) return [`${name}: no ${unit} any more, ${before} before`];
  if (before === null || now <= before * (1 + TOLERANCE)) return [];
  return [`${name}: ${now} ${unit}, ${percent(now, before)} more than ${before}`];
}

/** Whether a row misses a goal that it used to reach. */
function fallsBehind(now: BenchRow, before: BenchRow): boolean {
  return now.isCorrect && !now.ok && before.ok;
}

function compareRow(now: BenchRow, before: BenchRow): string[] {
  if (before.missing !== undefined && now.missing !== undefined) return [];
  const { name } = now;
  const problems = [
    ...growth(name, 'cycles', now.cycles, before.cycles),
    ...growth(name, 'bytes', now.bytes, before.bytes),
  ];
  if (!now.isCorrect) problems.push(`${name}: differs from ${now.reference ?? 'what it was'}`);
  else if (now.checksum !== before.checksum && before.checksum !== null) {
    problems.push(`${name}: computes ${now.checksum}, ${before.checksum} before`);
  }
  if (fallsBehind(now, before)) problems.push(`${name}: misses its goal, which it reached`);
  return problems;
}

/** What is worse than the committed figures, a line each; empty where nothing is. */
export function compare(rows: BenchRow[], baseline: BenchRow[]): string[] {
  const before = new Map(baseline.map((row) => [row.name, row]));
  const kinds = new Set(rows.map(({ kind }) => kind));
  const names = new Set(rows.map(({ name }) => name));
  const gone = baseline
    .filter(({ name, kind }) => kinds.has(kind) && !names.has(name))
    .map(({ name }) => `${name}: is not measured any more`);
  const changed = rows.flatMap((row) => {
    const known = before.get(row.name);
    return known ? compareRow(row, known) : [`${row.name}: is not in bench/baseline.json`];
  });
  return [...changed, ...gone];
}
