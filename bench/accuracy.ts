/**
 * Accuracy before and after personalization on the recordings in RETUNE_DATA, for every kind of
 * adapter and three seeds, each by `retune eval keyword`.
 *
 *     npm run accuracy               prints the tables
 *     npm run accuracy -- --write    writes them into docs/accuracy.md as well
 *     npm run accuracy -- --json     prints the evaluations as one JSON object
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { METHODS, type Evaluation, type Method } from '../sim/evaluate.ts';
import { dataPath } from '../test/support/data.ts';

const run = promisify(execFile);
const COMMAND = fileURLToPath(new URL('../bin/retune.mjs', import.meta.url));
const SEEDS = [1, 2, 3];
const DOCUMENT = new URL('../docs/accuracy.md', import.meta.url);
const MARKS = { begin: '<!-- written by npm run accuracy -->', end: '<!-- end -->' };

interface Task {
  name: string;
  title: string;
  data: string;
  model: string;
  shots: number;
  /** Published or reference figures to stand beside ours, in per cent. */
  reference: string;
}

const TASKS: Task[] = [
  {
    name: 'fsdd',
    title: 'English digits, each speaker left out of the base model (fsdd), 5 takes a word',
    data: 'audio/fsdd',
    model: 'models/digits/without-{subject}.tflite',
    shots: 5,
    reference:
      'float reference with its own base: before 81.7, BitFit 87.6, LoRA 91.9, skip 92.7, head 93.0, full 95.8',
  },
  {
    name: 'speech_commands',
    title: "MLPerf Tiny's keyword model on 21 speakers (speech_commands), 2 takes a word",
    data: 'audio/speech_commands',
    model: join(dataPath('models'), 'kws_ref_model.tflite'),
    shots: 2,
    reference: 'float reference: before 89.6, head 95.7, skip 95.9 (over all clips)',
  },
  {
    name: 'arabic_digits',
    title: 'Arabic digits, a language that the base model never heard, 5 takes a word',
    data: 'audio/arabic_digits',
    model: 'models/digits/digits.tflite',
    shots: 5,
    reference: 'no outside reference',
  },
];

interface Result {
  task: Task;
  method: Method;
  evaluations: Evaluation[];
}

/** Runs the command that a reader would run, and takes its JSON. */
async function evaluate(task: Task, method: Method, seed: number): Promise<Evaluation> {
  const { model, shots } = task;
  const values = { data: dataPath(task.data), model, method, shots, seed };
  const options = Object.entries(values).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const args = [COMMAND, 'eval', 'keyword', ...options, '--json'];
  const { stdout } = await run(process.execPath, args, { maxBuffer: 1 << 24 });
  return JSON.parse(stdout) as Evaluation;
}

/** All evaluations, as many at a time as there are cores, longest first. */
async function measureAll(): Promise<Result[]> {
  const results = TASKS.flatMap((task) =>
    METHODS.map((method): Result => ({ task, method, evaluations: [] })),
  );
  const jobs = results
    .flatMap((result) => SEEDS.map((seed, i) => ({ result, seed, i })))
    .sort((x, y) => Number(y.result.method === 'lora') - Number(x.result.method === 'lora'));
  const worker = async (): Promise<void> => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      const { result, seed, i } = job;
      result.evaluations[i] = await evaluate(result.task, result.method, seed);
      console.error(`${result.task.name}, ${result.method}, seed ${seed}: done`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}

const percent = (share: number): string => (100 * share).toFixed(1);
const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Test clips that the worst-served speaker lost (negative) or gained. */
function worstChange(evaluations: Evaluation[]): number {
  const changes = evaluations.flatMap(({ results }) =>
    results.map((r) => Math.round((r.after - r.before) * r.testClips)),
  );
  return Math.min(...changes);
}

function row({ method, evaluations }: Result): string {
  const [first] = evaluations;
  if (first === undefined) throw new RangeError('no seeds');
  const after = evaluations.map((e) => percent(e.mean.after)).join(' / ');
  const cells = [
    method,
    first.rank || '–',
    percent(first.mean.before),
    `**${percent(mean(evaluations.map((e) => e.mean.after)))}** (${after})`,
    `${percent(first.overall.before)} → ${percent(mean(evaluations.map((e) => e.overall.after)))}`,
    worstChange(evaluations),
    `${evaluations.reduce((sum, e) => sum + e.refused, 0)} of ${evaluations.length * first.results.length}`,
    first.adapterBytes,
    first.arenaBytes,
  ];
  return `| ${cells.join(' | ')} |`;
}

function speakerTable({ task, evaluations }: Result): string[] {
  const [first] = evaluations;
  if (first === undefined || first.results.length > 6) return [];
  const rows = first.results.map((result, i) => {
    const after = evaluations.map((e) => percent(e.results[i]?.after ?? NaN)).join(' / ');
    return `| ${result.subject} | ${percent(result.before)} | ${after} |`;
  });
  return [
    '',
    `Per speaker, ${first.method} (seeds ${SEEDS.join(' / ')}), ${task.name}:`,
    '',
    '| speaker | before | after |',
    '| --- | --- | --- |',
    ...rows,
  ];
}

function section(results: Result[]): string {
  const [first] = results;
  if (first === undefined) return '';
  const { task } = first;
  const clips = first.evaluations[0]?.overall.clips ?? 0;
  return [
    `## ${task.title}`,
    '',
    `${clips} test clips. In per cent; ${task.reference}.`,
    '',
    '| method | rank | before | after, mean of speakers (seeds) | all clips | worst speaker, clips | check refused | adapter bytes | arena bytes |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...results.map(row),
    ...speakerTable(first),
    '',
  ].join('\n');
}

function writeDocument(text: string): void {
  const document = readFileSync(DOCUMENT, 'utf8');
  const begin = document.indexOf(MARKS.begin);
  const end = document.indexOf(MARKS.end);
  if (begin < 0 || end < begin) throw new Error('docs/accuracy.md lacks its marks');
  const head = document.slice(0, begin + MARKS.begin.length);
  writeFileSync(DOCUMENT, `${head}\n\n${text}\n${document.slice(end)}`);
}

async function main(args: string[]): Promise<void> {
  const results = await measureAll();
  const sections = TASKS.map((task) => section(results.filter((result) => result.task === task)));
  console.log(args.includes('--json') ? JSON.stringify(results) : sections.join('\n'));
  if (args.includes('--write')) writeDocument(sections.join('\n'));
}

await main(process.argv.slice(2));
