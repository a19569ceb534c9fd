/**
 * Training: one step and a burst of 300 for each kind of adapter, on any target. The adapter that
 * comes out is compared byte by byte with the one that the portable C learns in the same run.
 *
 *     npx tsx bench/training.ts [--target rp2040] [--json] [--phases] [--profile] [NAME…]
 *
 * A step is of batch 1: one window as it is, forward unless its frozen activations are cached,
 * loss, backward, update. Filling the cache is counted apart.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { AdapterOptions } from '../compiler/adapter.ts';
import { compileModel, type CompiledModel } from '../compiler/compile.ts';
import { RetuneError } from '../cli/error.ts';
import { predictBurst } from '../sim/burst.ts';
import { writeTflite } from '../test/support/tflite-writer.ts';
import { Device, tableBytes, type BenchTarget, type ModelFile } from './device.ts';
import { HostProgram } from './host.ts';
import { DIGITS, readModel } from './kernels.ts';
import { classifierModel, typicalInput } from './models.ts';
import { rowTable } from './report.ts';
import {
  SECONDS_HZ,
  checksumOf,
  missingRow,
  reaches,
  type BenchRow,
  type Goal,
  type Peer,
  type Target,
} from './rows.ts';
import { portableTarget, stallsOf, targetOf } from './targets.ts';

const BURST_STEPS = 300;

interface Limit {
  unit: Goal['unit'];
  limit: number;
}

interface Case {
  name: string;
  /** Name of the row of 300 steps. */
  burst: string;
  what: string;
  model: () => ModelFile;
  adapter: AdapterOptions;
  /** Labelled windows in the burst. */
  windows: number;
  /** So many steps are run; a burst's 300 are these, multiplied. */
  steps: number;
  limit?: Limit;
  burstSeconds?: number;
  peer?: Peer;
}

const digits = (): ModelFile => readModel(DIGITS);
const classifier = (): ModelFile => ({
  bytes: writeTflite(classifierModel(64, 12)),
  file: 'classifier-64x12.tflite',
});

const CASES: Case[] = [
  {
    name: 'train-64x12-head',
    burst: 'burst-300-64x12-head',
    what: 'classifier 64 to 12, all its weights',
    model: classifier,
    adapter: { method: 'head' },
    windows: 12,
    steps: 300,
    peer: { name: 'AIfES, float', cycles: 710_433 },
  },
  {
    name: 'train-64x12-lora4',
    burst: 'burst-300-64x12-lora4',
    what: 'classifier 64 to 12, LoRA of rank 4 on it',
    model: classifier,
    adapter: { method: 'lora', rank: 4, layers: [0] },
    windows: 12,
    steps: 300,
    limit: { unit: 'cycles', limit: 14_000 },
    peer: { name: 'float with ROM routines', cycles: 140_534 },
  },
  {
    name: 'train-digits-lora',
    burst: 'burst-300',
    what: 'models/digits, LoRA of rank 4 on all pointwise layers, and the head',
    model: digits,
    adapter: { method: 'lora' },
    windows: 8,
    steps: 12,
    limit: { unit: 'times inference', limit: 2.2 },
    burstSeconds: 65,
  },
  {
    name: 'train-digits-lora-last2-cached',
    burst: 'burst-300-last2-cached',
    what: 'models/digits, LoRA of rank 4 on the last two blocks, and the head; 10 windows cached',
    model: digits,
    adapter: { method: 'lora', layers: ['block3/pointwise', 'block4/pointwise'], cache: 10 },
    windows: 10,
    steps: 300,
    limit: { unit: 'times inference', limit: 1 },
    burstSeconds: 30,
  },
  {
    name: 'train-digits-skip-cached',
    burst: 'burst-300-skip-cached',
    what: 'models/digits, low-rank path from the blocks, and the head; cached',
    model: digits,
    adapter: { method: 'skip' },
    windows: 8,
    steps: 300,
  },
  {
    name: 'train-digits-head-cached',
    burst: 'burst-300-head-cached',
    what: 'models/digits, the head; cached',
    model: digits,
    adapter: { method: 'head' },
    windows: 8,
    steps: 300,
    limit: { unit: 'times inference', limit: 0.02 },
    burstSeconds: 1,
  },
];

export const trainingNames = (): string[] => CASES.flatMap(({ name, burst }) => [name, burst]);

interface Trained {
  compiled: CompiledModel;
  /** The adapter as it is saved. */
  blob: Uint8Array;
  /** Cycles, where they are counted; `cache` is filling it. */
  counted?: { begin: number; cache: number; steps: number };
  stackBytes?: number;
}

const windowsFor = ({ windows }: Case, bytes: number, zeroPoint: number): Int8Array[] =>
  Array.from({ length: windows }, (_, i) => typicalInput(100 + i, bytes, zeroPoint));

function rememberAll(subject: Case, device: Device): void {
  const { bytes, zeroPoint } = device.inputTensor;
  device.remember(windowsFor(subject, bytes, zeroPoint), device.classes);
}

/** The same windows and steps, whatever computes them. */
function trainOnDevice(subject: Case, on: BenchTarget): Trained {
  const device = new Device(on, subject.model(), subject.adapter);
  rememberAll(subject, device);
  const cycles = device.burst({ steps: subject.steps, batch: 1, views: 1 });
  const { compiled, firmware, trainer } = device;
  const counted = firmware.cyclesSoFar === undefined ? undefined : cycles;
  return { compiled, blob: trainer.save(), counted, stackBytes: firmware.stackBytes };
}

async function trainOnHost(subject: Case): Promise<Trained> {
  const { bytes, file } = subject.model();
  const compiled = compileModel(bytes, file, { adapter: subject.adapter, packed: true });
  const input = compiled.model.tensors[compiled.model.inputTensor];
  if (!input) throw new Error(`${file} has no input`);
  const program = await HostProgram.build(compiled);
  const windows = windowsFor(subject, input.bytes, input.zeroPoint);
  return { compiled, blob: program.train(subject.steps, windows) };
}

const round3 = (value: number): number => Math.round(1000 * value) / 1000;

const goalOf = (limit: Limit | undefined, cycles: number, times: number): Goal | undefined =>
  limit && { ...limit, value: limit.unit === 'cycles' ? cycles : times };

/** Cycles of an inference without adapter: what steps are measured in. */
function inferenceCycles(model: ModelFile, on: BenchTarget): number {
  const device = new Device(on, model);
  const { bytes, zeroPoint } = device.inputTensor;
  return device.infer(typicalInput(100, bytes, zeroPoint)).cycles;
}

/** What `retune build` would say of the steps of a burst: the firmware's own estimates. */
function predicted({ model, adapter, windows }: Case): number | undefined {
  const { bytes, file } = model();
  const compiled = compileModel(bytes, file, { adapter });
  const burst = predictBurst(compiled, { windows, steps: BURST_STEPS, batch: 1, views: 1 });
  return burst && burst.samples.cycles + burst.updates.cycles;
}

const STALL_STEPS = 3;

/** Of a step, the mean of the first few. */
function estimateStalls(subject: Case): BenchRow['stallCycles'] {
  return stallsOf((target) => {
    const device = new Device(target, subject.model(), subject.adapter);
    rememberAll(subject, device);
    const all = device.burstStalls({ steps: STALL_STEPS, batch: 1, views: 1 });
    return Math.round(all / STALL_STEPS);
  });
}

type Common = Omit<BenchRow, 'name' | 'what' | 'cycles' | 'ok'>;

function stepRow(
  subject: Case,
  common: Common,
  counted: Trained['counted'],
  inference: number | undefined,
  wantsStalls: boolean,
): BenchRow {
  const { name, what, steps, windows, limit, peer } = subject;
  const isChip = common.target === 'rp2040';
  const step = counted && Math.round(counted.steps / steps);
  const times = step && inference ? round3(step / inference) : undefined;
  const goal = step && isChip ? goalOf(limit, step, times ?? 0) : undefined;
  const perWindow = Math.round((counted?.cache ?? 0) / windows);
  return {
    ...common,
    name,
    what: `${what}: a step of batch 1`,
    cycles: step ?? null,
    timesInference: times,
    cacheCyclesPerWindow: perWindow > 0 ? perWindow : undefined,
    stallCycles: wantsStalls && isChip ? estimateStalls(subject) : undefined,
    goal,
    peer: isChip ? peer : undefined,
    ok: common.isCorrect && reaches(goal),
  };
}

function burstRow(subject: Case, common: Common, counted: Trained['counted']): BenchRow {
  const { burst: name, what, steps, burstSeconds } = subject;
  const isChip = common.target === 'rp2040';
  const cycles = counted && counted.begin + Math.round((counted.steps * BURST_STEPS) / steps);
  const seconds = cycles && isChip ? round3(cycles / SECONDS_HZ) : undefined;
  const goal: Goal | undefined =
    seconds && burstSeconds ? { unit: 'seconds', value: seconds, limit: burstSeconds } : undefined;
  return {
    ...common,
    name,
    what: `${what}: ${BURST_STEPS} steps${steps === BURST_STEPS ? '' : `, ${steps} of them run`}`,
    cycles: cycles ?? null,
    predictedCycles: isChip ? predicted(subject) : undefined,
    seconds,
    goal,
    ok: common.isCorrect && reaches(goal),
  };
}

async function measure(
  subject: Case,
  target: Target,
  on: BenchTarget | undefined,
  wantsStalls: boolean,
): Promise<BenchRow[]> {
  const { compiled, blob, counted, stackBytes } = on
    ? trainOnDevice(subject, on)
    : await trainOnHost(subject);
  const judge = trainOnDevice(subject, await portableTarget());
  const isCorrect = Buffer.from(blob).equals(judge.blob);
  const common: Common = {
    kind: 'training',
    target,
    macs: null,
    perMac: null,
    bytes: compiled.arenaBytes,
    flashBytes: tableBytes(compiled),
    stackBytes,
    checksum: checksumOf(blob),
    isCorrect,
    reference: `adapter that portable C learns in ${subject.steps} steps`,
    stepsRun: subject.steps,
  };
  // Of a head alone there is no inference worth the name.
  const isNetwork = compiled.model.layers.length > 2;
  const inference = on && counted && isNetwork ? inferenceCycles(subject.model(), on) : undefined;
  return [
    stepRow(subject, common, counted, inference, wantsStalls),
    burstRow(subject, common, counted),
  ];
}

async function rowsOf(
  subject: Case,
  target: Target,
  on: BenchTarget | undefined,
  wantsStalls: boolean,
): Promise<BenchRow[]> {
  try {
    return await measure(subject, target, on, wantsStalls);
  } catch (error) {
    // What the compiler cannot do is said in the report, not by ending it.
    if (!(error instanceof RetuneError)) throw error;
    const row = { kind: 'training', target, what: subject.what } as const;
    return [subject.name, subject.burst].map((name) => missingRow({ name, ...row }, error.message));
  }
}

export interface TrainingBenchOptions {
  target?: Target;
  /** Only these cases, by either of their rows. */
  names?: string[];
  /** Something else than the target's own firmware. */
  on?: BenchTarget;
  /** Whether to estimate stalls of the flash cache, on the RP2040; default true. */
  stalls?: boolean;
}

/** A row of a step and one of a burst for each kind of adapter. */
export async function benchTraining(options: TrainingBenchOptions = {}): Promise<BenchRow[]> {
  const { target = 'rp2040', names, stalls = true } = options;
  const on = options.on ?? (await targetOf(target));
  const rows: BenchRow[] = [];
  for (const subject of CASES) {
    if (names && !names.includes(subject.name) && !names.includes(subject.burst)) continue;
    rows.push(...(await rowsOf(subject, target, on, stalls)));
  }
  return rows;
}

// ---- where a step goes ----

/** rt_train_phase_t. */
const PHASES = ['idle', 'cache', 'sample', 'forward', 'backward', 'refresh', 'update', 'check'];

const deviceTarget = async (target: Target): Promise<BenchTarget> =>
  (await targetOf(target)) ?? (await portableTarget());

/** Cycles by phase, unit by unit, and the longest unit of each. */
async function phases(subject: Case, target: Target): Promise<string> {
  const model = subject.model();
  const device = new Device(await deviceTarget(target), model, subject.adapter);
  rememberAll(subject, device);
  const steps = Math.min(subject.steps, 8);
  const spent = new Map<string, { cycles: number; units: number; longest: number }>();
  device.trainer.begin({ steps, batch: 1, views: 1 });
  for (let done = false; !done;) {
    const name = PHASES[device.phase] ?? '?';
    const cycles = device.count(() => (done = device.trainer.run(1)));
    const { cycles: all = 0, units = 0, longest = 0 } = spent.get(name) ?? {};
    spent.set(name, { cycles: all + cycles, units: units + 1, longest: Math.max(longest, cycles) });
  }
  const list = [...spent].map(([name, { cycles, units, longest }]) => {
    const repeated = name === 'cache' ? subject.windows : steps;
    const each = Math.round(cycles / repeated).toLocaleString('en-US');
    return `${name} ${each} in ${(units / repeated).toFixed(1)} units, longest ${longest}`;
  });
  return `${subject.name}, a step (cache: a window): ${list.join('; ')}`;
}

/** Cycles of a step by function. */
async function profile(subject: Case, target: Target): Promise<string> {
  const device = new Device(await deviceTarget(target), subject.model(), subject.adapter);
  rememberAll(subject, device);
  const lines = [...device.profileStep()].slice(0, 24).map(([name, cycles]) => {
    return `${cycles.toLocaleString('en-US').padStart(14)} ${name}`;
  });
  return [`${subject.name}, a step:`, ...lines].join('\n');
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      phases: { type: 'boolean' },
      profile: { type: 'boolean' },
      target: { type: 'string', default: 'rp2040' },
    },
  });
  const target = values.target as Target;
  const names = positionals.length > 0 ? positionals : undefined;
  if (values.phases || values.profile) {
    const tell = values.profile ? profile : phases;
    for (const subject of CASES) {
      if (names && !names.includes(subject.name)) continue;
      const line = tell(subject, target);
      console.log(await line.catch((error: Error) => `${subject.name}: ${error.message}`));
    }
    return;
  }
  const rows = await benchTraining({ target, names });
  console.log(values.json ? JSON.stringify(rows, null, 1) : rowTable(rows));
  if (rows.some(({ isCorrect, missing }) => !isCorrect && !missing)) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
