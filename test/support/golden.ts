/**
 * Golden vectors of a .tflite model: what the INT8 specification and TensorFlow Lite in a browser
 * answer to the sample inputs and to the seeded random ones. `npm run oracle` writes them; inputs
 * are made again from their seed, only answers are stored.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { dataPath, projectRoot } from './data.ts';
import { randomInput } from './inputs.ts';

export const goldenFolder = join(projectRoot, 'test/golden/tflite');

/** How many values of one runtime differ from the specification's, and by how much at most. */
export interface Difference {
  values: number;
  differ: number;
  largest: number;
}

export interface LayerFigures {
  operator: string;
  tensor: number;
  /** Given the same inputs: XNNPACK, TensorFlow Lite's own optimised kernels. */
  xnnpack: Difference;
  builtin: Difference;
  /** What remains of each once the layer's rounding is done as that runtime does it. */
  xnnpackExplained: Difference;
  builtinExplained: Difference;
}

/** Content of NAME.json. */
export interface Golden {
  name: string;
  /** Where the model is: under the data folder or under the project's. */
  root: 'data' | 'project';
  path: string;
  sha256: string;
  inputSize: number;
  inputZeroPoint: number;
  outputSize: number;
  /** Raw int8 files under models/samples/ of the data folder; they come before the random inputs. */
  samples: { file: string; runs: number }[];
  randomRuns: number;
  /** The tensor before a closing softmax, with its own file of answers: softmax hides differences. */
  logits?: { tensor: number; size: number };
  /** First 16 hex digits of the SHA-256 of every computed tensor, for the first random runs. */
  tensors: { run: number; sha256: Record<string, string> }[];
  figures: {
    runtime: string;
    /** `reference`: TensorFlow Lite made to use its reference kernels; must not differ at all. */
    endToEnd: { reference: Difference; xnnpack: Difference; builtin: Difference };
    /** Runs where the largest output is another one than the specification's. */
    otherAnswer: { xnnpack: number; builtin: number };
    layers: LayerFigures[];
  };
}

/** Content of networks.json: answers to random networks (random-model.ts). */
export interface NetworkGolden {
  runtime: string;
  /** Between TensorFlow Lite's reference kernels and the specification. */
  difference: Difference;
  /** Of the answers to networkInputs, one after the other; the network of seed 1 first. */
  sha256: string[];
}

export const NETWORKS = 400;
export const networksFile = join(projectRoot, 'test/golden/networks.json');

export function readNetworks(): NetworkGolden {
  return JSON.parse(readFileSync(networksFile, 'utf8')) as NetworkGolden;
}

export const networkInputs = (size: number, zeroPoint: number): Int8Array[] =>
  [0, 1, 2, 3].map((run) => randomInput(run, size, zeroPoint));

export const shortHash = (bytes: ArrayBufferView): string =>
  createHash('sha256')
    .update(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    .digest('hex')
    .slice(0, 16);

export function goldenNames(): string[] {
  return readdirSync(goldenFolder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

export function readGolden(name: string): Golden {
  return JSON.parse(readFileSync(join(goldenFolder, `${name}.json`), 'utf8')) as Golden;
}

/** The model's bytes; throws when it is not the file that the golden vectors were made from. */
export function goldenModel(golden: Golden): Uint8Array {
  const path = golden.root === 'data' ? dataPath(golden.path) : join(projectRoot, golden.path);
  const bytes = readFileSync(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== golden.sha256) {
    throw new Error(`${golden.path} changed since its golden vectors; run npm run oracle`);
  }
  return bytes;
}

const rows = (all: Int8Array, size: number): Int8Array[] =>
  Array.from({ length: all.length / size }, (_, i) => all.subarray(i * size, (i + 1) * size));

const int8 = (bytes: Uint8Array): Int8Array => Int8Array.from(bytes, (v) => v);

/** The inputs in the order of the answers. */
export function goldenInputs(
  golden: Pick<Golden, 'samples' | 'inputSize' | 'inputZeroPoint' | 'randomRuns'>,
): Int8Array[] {
  const samples = golden.samples.flatMap(({ file }) =>
    rows(int8(readFileSync(dataPath(`models/samples/${file}`))), golden.inputSize),
  );
  const random = Array.from({ length: golden.randomRuns }, (_, run) =>
    randomInput(run, golden.inputSize, golden.inputZeroPoint),
  );
  return [...samples, ...random];
}

const stored = (file: string, size: number): Int8Array[] =>
  rows(int8(readFileSync(join(goldenFolder, file))), size);

/** The specification's answers, one row a run. */
export function goldenOutputs(golden: Golden): Int8Array[] {
  return stored(`${golden.name}.i8`, golden.outputSize);
}

/** The specification's values before the closing softmax. */
export function goldenLogits(golden: Golden): Int8Array[] {
  if (!golden.logits) throw new Error(`${golden.name} does not end in a softmax`);
  return stored(`${golden.name}.logits.i8`, golden.logits.size);
}

/** What TensorFlow Lite in the browser (with XNNPACK) answered: stored as difference, compressed. */
export function browserOutputs(golden: Golden): Int8Array[] {
  const file = join(goldenFolder, `${golden.name}.browser.gz`);
  if (!existsSync(file)) return goldenOutputs(golden);
  const delta = rows(int8(gunzipSync(readFileSync(file))), golden.outputSize);
  return goldenOutputs(golden).map((row, i) => row.map((v, k) => v + (delta[i]?.[k] ?? 0)));
}
