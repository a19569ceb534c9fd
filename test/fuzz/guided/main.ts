/**
 * npm run fuzz:guided [-- --target NAME …] [--runs N | --seconds N] [--seed N] [--minimise] [--write]
 *
 * Feeds what reads files on the desktop with changed files, guided by the branches that they reach
 * (engine.ts), from the inputs kept in test/fuzz/corpus/desktop and test/fuzz/regress/desktop.
 * Options as in native/main.ts. Needs nothing but npm's packages.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { projectRoot } from '../../support/data.ts';
import { Random } from '../../support/random.ts';
import { writeTable } from '../document.ts';
import { fuzzGuided, type GuidedTarget, type Outcome } from './engine.ts';
import { guidedTargets } from './targets.ts';

/** Inputs kept of a target. */
const KEPT_FILES = 25;
const KEPT_BYTES = 6_000;

const corpus = join(projectRoot, 'test/fuzz/corpus/desktop');
const regress = join(projectRoot, 'test/fuzz/regress/desktop');
const found = join(projectRoot, 'build/fuzz-guided');

function inputsOf({ name }: GuidedTarget): Uint8Array[] {
  return [join(corpus, name), join(regress, name)]
    .filter((path) => existsSync(path))
    .flatMap((path) =>
      readdirSync(path)
        .sort()
        .map((file) => readFileSync(join(path, file))),
    );
}

/** Keeps the smallest inputs that were new when they came. */
function keep(target: GuidedTarget, { kept }: Outcome): void {
  const path = join(corpus, target.name);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  let bytes = 0;
  const seeds = new Set(target.seeds().map((seed) => Buffer.from(seed).toString('hex')));
  const fresh = kept.filter((input) => !seeds.has(Buffer.from(input).toString('hex')));
  for (const input of fresh.sort((a, b) => a.length - b.length).slice(0, KEPT_FILES)) {
    bytes += input.length;
    if (bytes > KEPT_BYTES) return;
    const name = createHash('sha1').update(input).digest('hex').slice(0, 12);
    writeFileSync(join(path, name), input);
  }
}

function describe({ name }: GuidedTarget, outcome: Outcome): string {
  const { runs, accepted, branches, branchCount, findings } = outcome;
  const share = branchCount === 0 ? 0 : (100 * branches) / branchCount;
  return (
    `${name}: ${runs} runs, ${accepted} accepted, ${branches} of ${branchCount} branches ` +
    `(${share.toFixed(1)} %) of its files, ${findings.length} findings`
  );
}

/** Keeps the inputs that went wrong and says where. */
function report({ name }: GuidedTarget, { findings }: Outcome): void {
  for (const { input, text } of findings) {
    mkdirSync(found, { recursive: true });
    const hash = createHash('sha1').update(input).digest('hex').slice(0, 12);
    const file = join(found, `${name}-${hash}`);
    writeFileSync(file, input);
    console.error(`${relative(projectRoot, file)}: ${text}`);
    process.exitCode = 1;
  }
}

const number = (value: number): string => value.toLocaleString('en-US');

function row({ name, input }: GuidedTarget, outcome: Outcome): string {
  const { runs, accepted, branches, branchCount, findings } = outcome;
  const reached = `${number(branches)} of ${number(branchCount)}`;
  const cells = [`\`${name}\``, input, number(runs), number(accepted), reached, findings.length];
  return `| ${cells.join(' | ')} |`;
}

const HEAD = [
  '| target | input | executions | accepted | branches of its files | open findings |',
  '| --- | --- | ---: | ---: | ---: | ---: |',
];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', multiple: true },
      runs: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string', default: '1' },
      minimise: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  });
  const rows: string[] = [];
  let [runs, findings] = [0, 0];
  for (const target of guidedTargets) {
    if (values.target !== undefined && !values.target.includes(target.name)) continue;
    const outcome = fuzzGuided(target, inputsOf(target), new Random(Number(values.seed)), {
      runs: Number(values.runs ?? target.runs),
      ...(values.seconds === undefined ? {} : { seconds: Number(values.seconds) }),
    });
    console.log(describe(target, outcome));
    report(target, outcome);
    if (values.minimise && outcome.findings.length === 0) keep(target, outcome);
    rows.push(row(target, outcome));
    runs += outcome.runs;
    findings += outcome.findings.length;
  }
  console.log(`${rows.length} targets, ${runs} runs, ${findings} open findings`);
  if (values.write) await writeTable('desktop', [...HEAD, ...rows]);
}

await main();
