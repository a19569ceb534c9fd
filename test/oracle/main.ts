/**
 * npm run oracle [-- --models PATTERN …] [--check]
 *
 * Writes the golden vectors of test/golden/tflite/ and the tables of docs/conformance.md: for the
 * five reference models of the data folder and those of models/digits/, or for the given files only
 * (a * in the file name stands for anything). With --check nothing is written and the exit status
 * says whether the stored vectors still hold.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { dataPath, dataRoot, projectRoot } from '../support/data.ts';
import {
  goldenFolder,
  goldenInputs,
  goldenNames,
  networksFile,
  readGolden,
  readNetworks,
  shortHash,
  type Difference,
  type Golden,
} from '../support/golden.ts';
import { RANDOM_RUNS } from '../support/inputs.ts';
import { BrowserTflite } from './browser.ts';
import {
  compareLayers,
  count,
  largestAt,
  nothing,
  runAll,
  total,
  type Answers,
} from './compare.ts';
import { OP } from './flatmodel.ts';
import { makeNetworks, storeNetworks } from './networks.ts';
import { ReferenceInterpreter } from './reference.ts';
import { writeReport } from './report.ts';

/** Random runs (the first of both kinds) whose every tensor is hashed and compared by layer. */
const LAYER_RUNS = 4;

/** Files that match a path whose last part may hold asterisks. */
function matching(pattern: string): string[] {
  const folder = dirname(resolve(pattern));
  const parts = basename(pattern).split('*').map(escapeRegExp);
  const name = new RegExp(`^${parts.join('.*')}$`);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.tflite') && name.test(file))
    .sort()
    .map((file) => join(folder, file));
}

function escapeRegExp(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
}

/** The sample files that the data folder's index names for a model. */
function samplesFor(model: string, inputSize: number): Golden['samples'] {
  const index = readFileSync(dataPath('models/samples/index.csv'));
  const all = parse(index, { columns: true }) as { file: string; model: string; dtype: string }[];
  return all
    .filter((row) => row.model === model && row.dtype === 'int8')
    .map(({ file }) => {
      const bytes = readFileSync(dataPath(`models/samples/${file}`)).length;
      return { file, runs: bytes / inputSize };
    });
}

function place(path: string): Pick<Golden, 'root' | 'path'> {
  const inData = relative(dataRoot(), path);
  return inData.startsWith('..')
    ? { root: 'project', path: relative(projectRoot, path) }
    : { root: 'data', path: inData };
}

const flat = (rows: Int8Array[]): Uint8Array =>
  Uint8Array.from(rows.flatMap((row) => Array.from(row)));

interface Result {
  golden: Golden;
  /** Stored files by ending. */
  files: Record<string, Uint8Array>;
}

async function makeGolden(tflite: BrowserTflite, path: string): Promise<Result> {
  const bytes = readFileSync(path);
  const reference = new ReferenceInterpreter(bytes);
  const last = reference.model.ops.at(-1);
  const head = {
    samples: samplesFor(basename(path), reference.inputSize),
    inputSize: reference.inputSize,
    inputZeroPoint: reference.input.zeroPoint,
    randomRuns: RANDOM_RUNS,
  };
  const inputs = goldenInputs(head);
  const runs = inputs.map((input) => reference.run(input));
  const column = (tensor: number): Int8Array[] => runs.map((run) => run.get(tensor) as Int8Array);
  const outputs = column(reference.model.outputs[0] as number);
  const logits = last?.code === OP.SOFTMAX ? last.inputs[0] : undefined;
  const answers = await runAll(tflite, bytes, inputs);
  const firstRandom = inputs.length - RANDOM_RUNS;
  const golden: Golden = {
    name: basename(path, '.tflite'),
    ...place(path),
    sha256: createHash('sha256').update(bytes).digest('hex'),
    ...head,
    outputSize: outputs[0]?.length ?? 0,
    ...(logits === undefined
      ? {}
      : { logits: { tensor: logits, size: column(logits)[0]?.length ?? 0 } }),
    tensors: Array.from({ length: LAYER_RUNS }, (_, run) => ({
      run: firstRandom + run,
      sha256: Object.fromEntries(
        [...(runs[firstRandom + run] ?? [])].map(([tensor, v]) => [String(tensor), shortHash(v)]),
      ),
    })),
    figures: {
      runtime: tflite.version,
      ...compareAnswers(outputs, answers),
      layers: await compareLayers(
        tflite,
        bytes,
        inputs.slice(firstRandom, firstRandom + LAYER_RUNS),
      ),
    },
  };
  const delta = answers.xnnpack.map((row, i) => row.map((v, k) => v - (outputs[i]?.[k] ?? 0)));
  const files: Record<string, Uint8Array> = {
    '.i8': flat(outputs),
    '.browser.gz': gzipSync(flat(delta), { level: 9 }),
  };
  if (logits !== undefined) files['.logits.i8'] = flat(column(logits));
  return { golden, files };
}

function compareAnswers(
  expected: Int8Array[],
  answers: Answers,
): Pick<Golden['figures'], 'endToEnd' | 'otherAnswer'> {
  const differences = (rows: Int8Array[]): Difference => {
    const found = nothing();
    rows.forEach((row, i) => count(found, expected[i] as Int8Array, row));
    return found;
  };
  const otherAnswers = (rows: Int8Array[]): number =>
    rows.filter((row, i) => largestAt(row) !== largestAt(expected[i] as Int8Array)).length;
  const { reference, xnnpack, builtin } = answers;
  return {
    endToEnd: {
      reference: differences(reference),
      xnnpack: differences(xnnpack),
      builtin: differences(builtin),
    },
    otherAnswer: { xnnpack: otherAnswers(xnnpack), builtin: otherAnswers(builtin) },
  };
}

/** One line about a model; true when TensorFlow Lite agrees with the specification. */
function summarise({ golden }: Result): boolean {
  const { endToEnd, layers } = golden.figures;
  const inLayers = total(layers.flatMap((l) => [l.xnnpack, l.builtin]));
  const unexplained = total(layers.flatMap((l) => [l.xnnpackExplained, l.builtinExplained]));
  const { reference } = endToEnd;
  const good = reference.differ === 0 && inLayers.largest <= 1 && unexplained.differ === 0;
  console.log(
    `${golden.name}: ${reference.differ} of ${reference.values} outputs differ from its reference ` +
      `kernels, ${endToEnd.xnnpack.differ} (largest ${endToEnd.xnnpack.largest}) from XNNPACK; ` +
      `by layer ${inLayers.differ} of ${inLayers.values} ` +
      `(largest ${inLayers.largest}), not explained by rounding: ${unexplained.differ}`,
  );
  return good;
}

function store({ golden, files }: Result): void {
  mkdirSync(goldenFolder, { recursive: true });
  writeFileSync(
    join(goldenFolder, `${golden.name}.json`),
    `${JSON.stringify(golden, undefined, 1)}\n`,
  );
  for (const [ending, bytes] of Object.entries(files)) {
    writeFileSync(join(goldenFolder, golden.name + ending), bytes);
  }
}

/** Whether the stored answers of the specification and of the browser are still the same. */
function holds({ golden, files }: Result): boolean {
  const stale = Object.entries(files).filter(([ending, bytes]) => {
    const path = join(goldenFolder, golden.name + ending);
    return !existsSync(path) || !readFileSync(path).equals(bytes);
  });
  for (const [ending] of stale) console.error(`${golden.name}${ending} is not what is stored`);
  return stale.length === 0;
}

async function networksAgree(tflite: BrowserTflite, check: boolean): Promise<boolean> {
  const golden = await makeNetworks(tflite);
  const { difference, sha256 } = golden;
  console.log(
    `${sha256.length} random networks: ${difference.differ} of ${difference.values} outputs differ ` +
      'from its reference kernels',
  );
  if (!check) storeNetworks(golden);
  const stored = readNetworks().sha256.join();
  if (stored !== sha256.join()) console.error(`${networksFile} is not what TensorFlow Lite says`);
  return difference.differ === 0 && stored === sha256.join();
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      models: { type: 'string', multiple: true },
      check: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const patterns = values.models ?? [
    join(dataPath('models'), '*.tflite'),
    join(projectRoot, 'models/digits/*.tflite'),
  ];
  const files = patterns.flatMap(matching);
  if (files.length === 0) throw new Error(`no .tflite file matches ${patterns.join(' or ')}`);
  const tflite = await BrowserTflite.start('plain');
  try {
    for (const file of files) {
      const result = await makeGolden(tflite, file);
      if (!summarise(result)) process.exitCode = 1;
      if (!values.check) store(result);
      else if (!holds(result)) process.exitCode = 1;
    }
    if (!values.models && !(await networksAgree(tflite, values.check))) process.exitCode = 1;
  } finally {
    await tflite.stop();
  }
  if (!values.check) await writeReport(goldenNames().map(readGolden), readNetworks());
}

main().catch((error: unknown) => {
  console.error(`oracle: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
