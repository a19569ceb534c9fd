/**
 * npm run fuzz:native [-- --target NAME …] [--runs N | --seconds N] [--seed N] [--minimise] [--write]
 *
 * Feeds the firmware's C under libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer, from the
 * inputs kept in test/fuzz/corpus and test/fuzz/regress. Needs clang with its run-time library and
 * llvm (Debian: apt-get install clang llvm libclang-rt-14-dev).
 *
 *   --target    only this one; may be given more than once
 *   --runs      executions of each; without: as in catalogue.ts, the same every time
 *   --seconds   as long as that for each instead
 *   --minimise  keeps the inputs that reach something new in test/fuzz/corpus, few and small
 *   --write     puts the table into docs/fuzzing.md
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { projectRoot } from '../../support/data.ts';
import { writeTable } from '../document.ts';
import { buildFuzz } from './build.mjs';
import { nativeTargets, type NativeTarget } from './catalogue.ts';

const JOBS = 2;
/** An input that runs for longer is a finding: a hang. */
const HANG_SECONDS = 60;
/** Inputs kept of a target; all of them are to stay below 300 KB. */
const KEPT_FILES = 200;
const KEPT_BYTES = 170_000;

const folder = join(projectRoot, 'build/fuzz-native');
const corpus = join(projectRoot, 'test/fuzz/corpus');
const regress = join(projectRoot, 'test/fuzz/regress');

interface Options {
  runs?: number;
  seconds?: number;
  seed: number;
  minimise: boolean;
}

interface Result {
  target: NativeTarget;
  runs: number;
  edges: number;
  lines: number;
  lineCount: number;
  findings: string[];
}

interface Output {
  status: number;
  text: string;
}

function run(program: string, args: string[], env: Record<string, string> = {}): Promise<Output> {
  return new Promise((resolve) => {
    const options = { cwd: projectRoot, maxBuffer: 1 << 28, env: { ...process.env, ...env } };
    execFile(program, args, options, (error, stdout, stderr) => {
      const status = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
      resolve({ status, text: `${stdout}${stderr}` });
    });
  });
}

async function must(program: string, args: string[]): Promise<string> {
  const { status, text } = await run(program, args);
  if (status !== 0) throw new Error(`${program} ended with ${status}:\n${text.slice(0, 2000)}`);
  return text;
}

function emptied(path: string): string {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  return path;
}

const inputs = (target: NativeTarget): string[] =>
  [corpus, regress].map((path) => join(path, target.name)).filter((path) => existsSync(path));

const last = (text: string, pattern: RegExp): number =>
  Number([...text.matchAll(pattern)].at(-1)?.[1] ?? 0);

/** What went wrong, in few lines, and how to see it again. */
function findingsOf(text: string, found: string, target: NativeTarget): string[] {
  const what = text
    .split('\n')
    .filter((line) =>
      /does not hold|ERROR: |runtime error|SUMMARY|^ +#[0-9] .* native\//.test(line),
    );
  return readdirSync(found).map((name) => {
    const file = relative(projectRoot, join(found, name));
    const again = `RETUNE_FUZZ_TARGET=${target.name} build/fuzz-native/fuzzer/retune-libfuzzer ${file}`;
    return [again, ...what.slice(0, 12)].join('\n  ');
  });
}

interface Summary {
  filename: string;
  summary: { lines: { count: number; covered: number } };
}

/** Lines of the target's files, and how many of them ran. */
async function coverage(
  program: string,
  profile: string,
  target: NativeTarget,
): Promise<[number, number]> {
  await must('llvm-profdata', ['merge', '-sparse', profile, '-o', `${profile}.data`]);
  const text = await must('llvm-cov', [
    ...['export', '-summary-only', `-instr-profile=${profile}.data`, program],
  ]);
  const { data } = JSON.parse(text) as { data: { files: Summary[] }[] };
  const files = (data[0]?.files ?? []).filter(({ filename }) =>
    target.files.test(
      relative(join(projectRoot, 'native'), resolve(projectRoot, filename)).replaceAll('\\', '/'),
    ),
  );
  const sum = (key: 'count' | 'covered'): number =>
    files.reduce((total, { summary }) => total + summary.lines[key], 0);
  return [sum('covered'), sum('count')];
}

async function fuzz(program: string, target: NativeTarget, options: Options): Promise<Result> {
  const work = emptied(join(folder, 'work', target.name));
  const found = emptied(join(folder, 'findings', target.name));
  const profile = join(folder, `${target.name}.profile`);
  const length =
    options.seconds === undefined
      ? `-runs=${options.runs ?? target.runs}`
      : `-max_total_time=${options.seconds}`;
  const { status, text } = await run(
    program,
    [
      ...[length, `-seed=${options.seed}`, `-max_len=${target.bytes}`, `-timeout=${HANG_SECONDS}`],
      ...['-detect_leaks=0', '-print_final_stats=1', `-artifact_prefix=${found}/`],
      ...[work, ...inputs(target)],
    ],
    {
      RETUNE_FUZZ_TARGET: target.name,
      LLVM_PROFILE_FILE: profile,
      // a power cut leaves no time to give memory back
      ASAN_OPTIONS: 'detect_leaks=0',
    },
  );
  const findings = findingsOf(text, found, target);
  if (status !== 0 && findings.length === 0) findings.push(text.slice(-1500));
  const known = existsSync(profile) && findings.length === 0;
  const [lines, lineCount] = known ? await coverage(program, profile, target) : [0, 0];
  if (options.minimise && findings.length === 0) await minimise(program, target, work);
  return {
    target,
    runs: last(text, /stat::number_of_executed_units: *(\d+)/g),
    edges: last(text, / cov: (\d+)/g),
    lines,
    lineCount,
    findings,
  };
}

/** The smallest inputs that together reach all that the old and new ones do, as far as allowed. */
async function minimise(program: string, target: NativeTarget, work: string): Promise<void> {
  const merged = emptied(join(folder, 'merged', target.name));
  const args = [
    '-set_cover_merge=1',
    '-use_counters=0',
    `-max_len=${target.bytes}`,
    '-detect_leaks=0',
  ];
  await run(program, [...args, merged, ...inputs(target), work], {
    RETUNE_FUZZ_TARGET: target.name,
    LLVM_PROFILE_FILE: '/dev/null',
    ASAN_OPTIONS: 'detect_leaks=0',
  });
  const kept = emptied(join(corpus, target.name));
  let bytes = 0;
  const files = readdirSync(merged)
    .map((name) => ({ name, size: statSync(join(merged, name)).size }))
    .sort((a, b) => a.size - b.size);
  for (const { name, size } of files.slice(0, KEPT_FILES)) {
    bytes += size;
    if (bytes > KEPT_BYTES) return;
    cpSync(join(merged, name), join(kept, name.slice(0, 12)));
  }
}

function describe({ target, runs, edges, lines, lineCount, findings }: Result): string {
  const share = lineCount === 0 ? 0 : (100 * lines) / lineCount;
  return (
    `${target.name}: ${runs} runs, ${edges} edges, ${lines} of ${lineCount} lines ` +
    `(${share.toFixed(1)} %) of its files, ${findings.length} findings`
  );
}

const number = (value: number): string => value.toLocaleString('en-US');

function tableOf(results: Result[]): string[] {
  const rows = results.map(({ target, runs, edges, lines, lineCount, findings }) =>
    [
      ...[`\`${target.name}\``, target.input, number(runs), number(edges)],
      ...[`${number(lines)} of ${number(lineCount)}`, String(findings.length)],
    ].join(' | '),
  );
  return [
    '| target | input | executions | edges reached | lines of its files | open findings |',
    '| --- | --- | ---: | ---: | ---: | ---: |',
    ...rows.map((row) => `| ${row} |`),
  ];
}

function chosen(names: string[] | undefined): NativeTarget[] {
  const unknown = (names ?? []).find((name) => !nativeTargets.some((t) => t.name === name));
  if (unknown !== undefined) {
    const list = nativeTargets.map(({ name }) => name).join(', ');
    throw new Error(`--target ${unknown}: choose one of ${list}`);
  }
  return nativeTargets.filter(({ name }) => names?.includes(name) ?? true);
}

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
  const options: Options = {
    ...(values.runs === undefined ? {} : { runs: Number(values.runs) }),
    ...(values.seconds === undefined ? {} : { seconds: Number(values.seconds) }),
    seed: Number(values.seed),
    minimise: values.minimise,
  };
  const targets = chosen(values.target);
  const built = await buildFuzz('fuzzer');
  // a build that runs meanwhile must not change the program under test
  const program = `${built}-${process.pid}`;
  cpSync(built, program);
  const queue = [...targets];
  const results: Result[] = [];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const result = await fuzz(program, next, options);
      results.push(result);
      console.log(describe(result));
      for (const finding of result.findings) console.error(finding);
      if (result.findings.length > 0) process.exitCode = 1;
    }
  };
  await Promise.all(Array.from({ length: JOBS }, worker));
  rmSync(program);
  results.sort((a, b) => nativeTargets.indexOf(a.target) - nativeTargets.indexOf(b.target));
  const findings = results.reduce((sum, { findings }) => sum + findings.length, 0);
  const runs = results.reduce((sum, { runs }) => sum + runs, 0);
  console.log(`${results.length} targets, ${runs} runs, ${findings} open findings`);
  if (values.write) await writeTable('native', tableOf(results));
}

await main();
