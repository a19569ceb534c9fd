/**
 * Memory: the arenas that the compiler plans for the keyword networks, with and without training,
 * how small the best possible plan could be, and what an adapter takes when it is saved.
 */
import { compileModel, type CompiledModel } from '../compiler/compile.ts';
import type { AdapterOptions } from '../compiler/adapter.ts';
import { dataPath } from '../test/support/data.ts';
import { tableBytes } from './device.ts';
import { DIGITS, KWS, readModel } from './kernels.ts';
import { checksumOf, reaches, type BenchRow, type Goal, type Target } from './rows.ts';

const KEPT = { windows: 60 };
/** 20 KB and 48 KB, of issue 4. */
const INFERENCE_LIMIT = 20_000;
const TRAINING_LIMIT = 49_152;

interface Case {
  name: string;
  what: string;
  path: () => string;
  adapter?: AdapterOptions;
  limit?: number;
}

const digits = (): string => DIGITS;

const CASES: Case[] = [
  {
    name: 'memory-ds-cnn-inference',
    what: 'arena of the MLPerf Tiny keyword DS-CNN',
    path: () => dataPath(KWS),
    limit: INFERENCE_LIMIT,
  },
  {
    name: 'memory-digits-inference',
    what: 'arena of models/digits',
    path: digits,
    limit: INFERENCE_LIMIT,
  },
  ...(['head', 'skip', 'lora'] as const).map((method) => ({
    name: `memory-digits-${method}`,
    what: `arena of models/digits with training, ${method}, ${KEPT.windows} windows`,
    path: digits,
    adapter: { method, ...KEPT },
    limit: TRAINING_LIMIT,
  })),
];

/** The plan is one: every buffer lies within the arena, at a multiple of 4. */
function isSound({ plan, buffers }: CompiledModel): boolean {
  const ends = buffers.map(({ name, bytes }) => {
    const offset = plan.offsets.get(name) ?? NaN;
    return offset >= 0 && offset % 4 === 0 ? offset + bytes : NaN;
  });
  const end = Math.max(...ends);
  return plan.peak - end >= 0 && plan.peak - end < 4 && plan.lowerBound <= plan.peak;
}

function measure({ name, what, path, adapter, limit }: Case, target: Target): BenchRow[] {
  const { bytes, file } = readModel(path());
  const isBoard = target === 'rp2040' || target === 'rv32';
  const compiled = compileModel(bytes, file, { adapter, packed: isBoard });
  const { arenaBytes, plan, training } = compiled;
  const goal: Goal | undefined = limit ? { unit: 'bytes', value: arenaBytes, limit } : undefined;
  const isCorrect = isSound(compiled);
  const common = { kind: 'memory', target, cycles: null, macs: null, perMac: null } as const;
  const offsets = Int32Array.from([...plan.offsets.values()]);
  const row: BenchRow = {
    ...common,
    name,
    what,
    bytes: arenaBytes,
    lowerBoundBytes: plan.lowerBound,
    flashBytes: tableBytes(compiled),
    checksum: checksumOf(offsets),
    isCorrect,
    reference: 'every buffer lies in the arena; test/compiler has the rest',
    goal,
    ok: isCorrect && reaches(goal),
  };
  if (!training || !adapter) return [row];
  const saved: BenchRow = {
    ...common,
    name: `adapter-${file.replace('.tflite', '')}-${adapter.method}`,
    what: `a saved adapter of ${file.replace('.tflite', '')}, ${adapter.method}`,
    bytes: training.adapterBytes,
    checksum: null,
    isCorrect: true,
    reference: null,
    ok: true,
  };
  return [row, saved];
}

export function benchMemory({ target = 'rp2040' }: { target?: Target } = {}): BenchRow[] {
  return CASES.flatMap((subject) => measure(subject, target));
}
