/**
 * Power cuts and an ageing flash, on the store as the boards run it:
 *
 *     npm run test:power -- [--quick] [--seed 1] [--stride 4] [--no-rp2040] [--json] [--write]
 *
 * The matrix (test/power/cuts.h) runs natively, and a part of it under sanitizers; then faulty copies
 * of the store show that the harness finds faults; then an emulated RP2040 with the real firmware
 * loses its power while it trains and saves. Ends with status 1 when anything was lost or a fault was
 * not found. The recoveries from one outcome in `--stride` of each operation are cut again; with 1,
 * from all of them. `--write` puts the figures into docs/reliability.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import * as prettier from 'prettier';
import { projectRoot } from '../../compiler/toolchain.ts';
import { cutRp2040, type ChipCuts } from '../rp2040/power-cuts.ts';
import { buildHarness, runHarness, sanitizingCompiler, scriptNames, type Run } from './build.ts';
import {
  cutsTable,
  figures,
  flipsTable,
  lost,
  markdown,
  number,
  ofPart,
  outcomesTable,
  stuckTable,
  wearTable,
  type Figures,
  type TableOf,
} from './figures.ts';
import { MUTANTS, shortSign, tryMutant, type Found } from './mutants.ts';

const PAGE = join(projectRoot, 'docs/reliability.md');

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    stride: { type: 'string' },
    'no-rp2040': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);

interface Plan {
  seeds: number;
  repeats: number;
  stride: number;
  flips: number;
  stuck: number;
  wear: number;
  sanitizedStride: number;
  chipCuts: number;
}

const FULL: Plan = {
  ...{ seeds: 1, repeats: 3, stride: 4, flips: 4000, stuck: 400, wear: 100_000 },
  ...{ sanitizedStride: 100, chipCuts: 60 },
};
const QUICK: Plan = {
  ...{ seeds: 1, repeats: 1, stride: 50, flips: 400, stuck: 60, wear: 2000 },
  ...{ sanitizedStride: 0, chipCuts: 10 },
};
const plan = values.quick ? QUICK : FULL;
if (values.stride !== undefined) plan.stride = Number(values.stride);

const say = (text: string): void => {
  if (!values.json) console.log(text);
};

function print({ head, rows }: TableOf): void {
  if (rows.length === 0) return;
  const aligns = head.map((_, i) => (i === 0 ? ('left' as const) : ('right' as const)));
  const table = new Table({ head, colAligns: aligns, style: { head: [], border: [] } });
  table.push(...rows);
  say(table.toString());
}

interface Matrix {
  figures: Figures[];
  failures: string[];
  seconds: number;
}

/** A process for each script and one for the many saves, two at a time. */
async function runMatrix(args: Record<string, number>, sanitized: boolean): Promise<Matrix> {
  const begin = performance.now();
  const program = await buildHarness({ sanitized });
  const { wear = 0, ...others } = args;
  const list = Object.entries(others).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const names = await scriptNames(program);
  const jobs = names.map((script) => ['--script', script, ...list]);
  jobs.push(['--no-scripts', '--wear', String(wear), '--seed', String(seed)]);
  const runs: Run[] = [];
  const left = [...jobs.entries()];
  const worker = async (): Promise<void> => {
    for (let job = left.shift(); job; job = left.shift()) {
      runs[job[0]] = await runHarness(program, job[1]);
    }
  };
  await Promise.all([worker(), worker()]);
  for (const { status, parts, failures } of runs) {
    failures.forEach((line) => say(line));
    if (status !== 0 && lost(figures(parts)) === 0) {
      throw new Error(`the harness ended with status ${status}: ${failures.at(-1) ?? ''}`);
    }
  }
  return {
    figures: figures(runs.flatMap(({ parts }) => parts)),
    failures: runs.flatMap(({ failures }) => failures),
    seconds: (performance.now() - begin) / 1000,
  };
}

async function matrix(): Promise<Matrix> {
  const { seeds, repeats, stride, flips, stuck, wear } = plan;
  say(`the matrix, seed ${seed}`);
  const result = await runMatrix(
    { seed, seeds, repeats, 'second-stride': stride, flips, stuck, wear },
    false,
  );
  print(cutsTable(ofPart(result.figures, 'cuts')));
  print(outcomesTable(ofPart(result.figures, 'cuts')));
  print(flipsTable(ofPart(result.figures, 'flips')));
  print(stuckTable(ofPart(result.figures, 'stuck')));
  print(wearTable(ofPart(result.figures, 'wear')));
  say(`${number(lost(result.figures))} lost, ${result.seconds.toFixed(0)} s\n`);
  return result;
}

async function sanitized(): Promise<Matrix | undefined> {
  if (plan.sanitizedStride === 0) return undefined;
  const compiler = sanitizingCompiler();
  if (compiler === undefined) {
    say('no gcc or clang: nothing runs under sanitizers here\n');
    return undefined;
  }
  const result = await runMatrix(
    {
      ...{ seed, seeds: 1, repeats: 1, 'second-stride': plan.sanitizedStride },
      ...{ flips: 200, stuck: 20, wear: 500 },
    },
    true,
  );
  const { mounts } = total(result);
  say(
    `under ${compiler}'s AddressSanitizer and UndefinedBehaviorSanitizer: ` +
      `${number(mounts)} mounts, ${number(lost(result.figures))} lost, ` +
      `${result.seconds.toFixed(0)} s\n`,
  );
  return result;
}

function total(result: Matrix): { mounts: number } {
  const cuts = ofPart(result.figures, 'cuts');
  return { mounts: cuts.reduce((count, c) => count + c.mounts, 0) };
}

const mutantsTable = (found: Found[]): TableOf => ({
  head: ['fault put into a copy of the store', 'found after, s', 'first sign of it'],
  rows: found.map(({ mutant, seconds, sign }) => [
    mutant.fault,
    sign === undefined ? 'not found' : seconds.toFixed(2),
    sign === undefined ? '' : shortSign(sign),
  ]),
});

async function mutants(): Promise<Found[]> {
  const found: Found[] = [];
  for (const mutant of MUTANTS) found.push(await tryMutant(mutant, seed));
  print(mutantsTable(found));
  const missed = found.filter(({ sign }) => sign === undefined).length;
  say(`${found.length} faults put in, ${missed} not found\n`);
  return found;
}

const chipTable = (chip: ChipCuts): TableOf => ({
  head: ['emulated RP2040, real firmware and script', ''],
  rows: [
    ['power cuts in an erase', number(chip.erases)],
    ['power cuts in a page program', number(chip.programs)],
    ['power cuts in a training burst', number(chip.bursts)],
    ['power cuts soon after a start', number(chip.starts)],
    ['starts', number(chip.boots)],
    ['saves that the script was told of', number(chip.saves)],
    ['after a cut: the version before', number(chip.keptOld)],
    ['after a cut: the new version', number(chip.keptNew)],
    ['lost', number(chip.lost.length)],
  ],
});

async function rp2040(): Promise<ChipCuts | undefined> {
  if (values['no-rp2040']) return undefined;
  const begin = performance.now();
  const chip = await cutRp2040({ cuts: plan.chipCuts, seed });
  print(chipTable(chip));
  chip.lost.forEach((line) => say(`failure: ${line}`));
  const seconds = (performance.now() - begin) / 1000;
  say(`${number(chip.lost.length)} lost, ${seconds.toFixed(0)} s\n`);
  return chip;
}

async function write(text: string): Promise<void> {
  const page = readFileSync(PAGE, 'utf8').replace(
    /(<!-- written by .*? -->\n)[^]*(\n<!-- end -->)/,
    (_, begin: string, end: string) => `${begin}\n${text}\n${end}`,
  );
  const options = await prettier.resolveConfig(PAGE);
  writeFileSync(PAGE, await prettier.format(page, { ...options, parser: 'markdown' }));
}

const results = {
  matrix: await matrix(),
  sanitized: await sanitized(),
  mutants: await mutants(),
  rp2040: await rp2040(),
};

const all = results.matrix.figures;
const missed = results.mutants.filter(({ sign }) => sign === undefined).length;
const lostInAll =
  lost(all) + lost(results.sanitized?.figures ?? []) + (results.rp2040?.lost.length ?? 0);

if (values.json) console.log(JSON.stringify(results));
say(`${number(lostInAll)} lost; ${missed} of ${results.mutants.length} faults not found`);
if (values.write) {
  const tables = [
    cutsTable(ofPart(all, 'cuts')),
    outcomesTable(ofPart(all, 'cuts')),
    flipsTable(ofPart(all, 'flips')),
    stuckTable(ofPart(all, 'stuck')),
    wearTable(ofPart(all, 'wear')),
    mutantsTable(results.mutants),
    ...(results.rp2040 === undefined ? [] : [chipTable(results.rp2040)]),
  ];
  await write([...tables.map(markdown), `**${number(lostInAll)} lost.**`].join('\n\n'));
}
if (lostInAll > 0 || missed > 0) process.exitCode = 1;
