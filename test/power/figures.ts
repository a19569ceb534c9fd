/** What the harness printed, added up, and as tables. */
import type { Part } from './build.ts';

export const OUTCOMES = [
  'not begun',
  'done',
  'prefix',
  'random bits',
  'one bit left',
  'one bit done',
  'weak',
  'weak prefix',
  'preprogrammed',
  'half erased',
] as const;

type Counts = Record<(typeof OUTCOMES)[number], number>;

export interface Cuts {
  part: 'cuts';
  script: string;
  seed: number;
  cutPoints: number;
  erase: Counts;
  program: Counts;
  second: number;
  third: number;
  mounts: number;
  checks: number;
  puts: number;
  mountOperationsMost: number;
  programsOfPageMost: number;
  lost: number;
}

export interface Flips {
  part: 'flips';
  script: string;
  tried: number;
  harmless: number;
  fellBack: number;
  reported: number;
  missing: number;
  stale: number;
  wrong: number;
  unwritable: number;
}

export interface Stuck {
  part: 'stuck';
  script: string;
  tried: number;
  wentOn: number;
  refused: number;
  lost: number;
}

export interface Wear {
  part: 'wear';
  saves: number;
  bytes: number;
  sectors: number;
  erases: number;
  programs: number;
  leastErases: number;
  mostErases: number;
  mostLogErases: number;
  lost: number;
}

export type Figures = Cuts | Flips | Stuck | Wear;

/** Parts come as lines of JSON from our own program; the field `part` says which they are. */
export const figures = (parts: readonly Part[]): Figures[] => parts as unknown as Figures[];

export const ofPart = <P extends Figures['part']>(
  all: readonly Figures[],
  part: P,
): Extract<Figures, { part: P }>[] =>
  all.filter((f): f is Extract<Figures, { part: P }> => f.part === part);

export const sum = <T>(items: readonly T[], value: (item: T) => number): number =>
  items.reduce((total, item) => total + value(item), 0);

export const number = (value: number): string => value.toLocaleString('en-US');

/** All first cuts of one kind. */
export const firstCuts = (cuts: Cuts): number =>
  sum(OUTCOMES, (name) => cuts.erase[name] + cuts.program[name]);

/** What must be 0. */
export function lost(all: readonly Figures[]): number {
  return sum(all, (f) => (f.part === 'flips' ? f.wrong + f.unwritable : f.lost));
}

export interface TableOf {
  head: string[];
  rows: string[][];
}

/** One row for each script, seeds added up, and one for all. */
export function cutsTable(all: readonly Cuts[]): TableOf {
  const row = (name: string, some: readonly Cuts[]): string[] => [
    name,
    number(sum(some, (c) => c.cutPoints)),
    number(sum(some, firstCuts)),
    number(sum(some, (c) => c.second)),
    number(sum(some, (c) => c.third)),
    number(sum(some, (c) => c.mounts)),
    number(sum(some, (c) => c.checks)),
    number(Math.max(...some.map((c) => c.mountOperationsMost))),
    number(sum(some, (c) => c.lost)),
  ];
  const scripts = [...new Set(all.map((c) => c.script))];
  return {
    head: [
      ...['script', 'cut points', 'first cuts', 'second cuts', 'third cuts', 'mounts'],
      ...['all read', 'writes of a mount, at most', 'lost'],
    ],
    rows: [
      ...scripts.map((script) =>
        row(
          script,
          all.filter((c) => c.script === script),
        ),
      ),
      row('all', all),
    ],
  };
}

export function outcomesTable(all: readonly Cuts[]): TableOf {
  const cell = (kind: 'erase' | 'program', name: (typeof OUTCOMES)[number]): string =>
    number(sum(all, (c) => c[kind][name]));
  return {
    head: ['what the first cut left', 'of an erase', 'of a program'],
    rows: OUTCOMES.map((name) => [name, cell('erase', name), cell('program', name)]),
  };
}

export function flipsTable(all: readonly Flips[]): TableOf {
  const { length } = all;
  if (length === 0) return { head: [], rows: [] };
  const fields: [keyof Flips, string][] = [
    ['tried', 'flashes with 1 to 4 flipped bits'],
    ['harmless', 'of them: everything still read right'],
    ['fellBack', 'a key read as its older version'],
    ['reported', 'a key was reported as damaged'],
    ['missing', 'a key was reported as not there'],
    ['stale', 'a key read as something it held earlier'],
    ['wrong', 'wrong content, or no mount'],
    ['unwritable', 'nothing could be saved afterwards'],
  ];
  return {
    head: ['bits that flip at rest', 'flashes'],
    rows: fields.map(([field, name]) => [name, number(sum(all, (f) => Number(f[field])))]),
  };
}

export function stuckTable(all: readonly Stuck[]): TableOf {
  return {
    head: ['script', 'flashes with a broken sector', 'went on unhindered', 'calls refused', 'lost'],
    rows: all.map((s) => [
      s.script,
      number(s.tried),
      number(s.wentOn),
      number(s.refused),
      number(s.lost),
    ]),
  };
}

export function wearTable(all: readonly Wear[]): TableOf {
  return {
    head: ['many saves', ''],
    rows: all.flatMap((w) => [
      ['saves', number(w.saves)],
      ['bytes of each', number(w.bytes)],
      ['sectors erased', number(w.erases)],
      ['pages programmed', number(w.programs)],
      ['erases of a payload sector, least', number(w.leastErases)],
      ['erases of a payload sector, most', number(w.mostErases)],
      ['erases of a log sector, most', number(w.mostLogErases)],
      ['lost', number(w.lost)],
    ]),
  };
}

export function markdown({ head, rows }: TableOf): string {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join(
    '\n',
  );
}
