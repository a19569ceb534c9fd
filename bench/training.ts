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
import { compileModel } from '../compiler/compile.ts';
import { RetuneError } from '../cli/error.ts';
import { predictBurst } from '../sim/burst.ts';
import { writeTflite } from '../test/support/tflite-writer.ts';
import { Device, tableBytes, type BenchTarget, type ModelFile } from './device.ts';
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
    what: 'models/digits, LoRA of rank 4 on the last two blocks, and the head; cached',
    model: digits,
    adapter: { method: 'lora', layers: ['block3/pointwise', 'block4/pointwise'], cache: 12 },
    windows: 12,
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
  device: Device;
  begin: number;
  cache: number;
  steps: number;
  blob: Uint8Array;
}

function windowsOf(subject: Case, device: Device): Int8Array[] {
  const { bytes, zeroPoint } = device.inputTensor;
  return Array.from({ length: subject.windows }, (_, i) => typicalInput(100 + i, bytes, zeroPoint));
}

/** The same windows and steps, whatever computes them. */
async function train(subject: Case, device: Device): Promise<Trained> {
  device.remember(windowsOf(subject, device), device.classes);
  const cycles = device.burst({ steps: subject.steps, batch: 1, views: 1 });
  return { device, ...cycles, blob: device.trainer.save() };
}

const round3 = (value: number): number => Math.round(1000 * value) / 1000;

const goalOf = (limit: Limit | undefined, cycles: number, times: number): Goal | undefined =>
  limit && { ...limit, value: limit.unit === 'cycles' ? cycles : times };

function burstGoal(limit: number | undefined, seconds: number, target: Target): Goal | undefined {
  if (limit === undefined || target !== 'rp2040') return undefined;
  return { unit: 'seconds', value: round3(seconds), limit };
}

/** Cycles of an inference without adapter: what steps are measured in. */
async function inferenceCycles(model: ModelFile, target: Target): Promise<number> {
  const device = new Device(await targetOf(target), model);
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
    device.remember(windowsOf(subject, device), device.classes);
    const all = device.burstStalls({ steps: STALL_STEPS, batch: 1, views: 1 });
    return Math.round(all / STALL_STEPS);
  });
}

async function measure(
  subject: Case,
  target: Target,
  on: BenchTarget,
  wantsStalls: boolean,
): Promise<BenchRow[]> {
  const { name, what, adapter, windows, steps } = subject;
  const model = subject.model();
  const base = { kind: 'training', target, macs: null, perMac: null } as const;
  const trained = await train(subject, new Device(on, model, adapter));
  const { device, blob } = trained;
  const twin = await train(subject, new Device(await portableTarget(), model, adapter));
  const isCorrect = Buffer.from(blob).equals(twin.blob);
  const isCounted = device.firmware.cyclesSoFar !== undefined;
  const step = Math.round(trained.steps / steps);
  // Of a head alone there is no inference worth the name.
  const isNetwork = device.compiled.model.layers.length > 2;
  const times =
    isCounted && isNetwork ? round3(step / (await inferenceCycles(model, target))) : undefined;
  const common = {
    ...base,
    bytes: device.compiled.arenaBytes,
    flashBytes: tableBytes(device.compiled),
    stackBytes: device.firmware.stackBytes,
    checksum: checksumOf(blob),
    isCorrect,
    reference: `adapter that portable C learns in ${steps} steps`,
    stepsRun: steps,
  };
  const goal =
    isCounted && target === 'rp2040' ? goalOf(subject.limit, step, times ?? 0) : undefined;
  const perWindow = trained.cache / windows;
  const row: BenchRow = {
    ...common,
    name,
    what: `${what}: a step of batch 1`,
    cycles: isCounted ? step : null,
    timesInference: times,
    cacheCyclesPerWindow: perWindow > 0 ? Math.round(perWindow) : undefined,
    stallCycles: wantsStalls && target === 'rp2040' ? estimateStalls(subject) : undefined,
    goal,
    peer: target === 'rp2040' ? subject.peer : undefined,
    ok: isCorrect && reaches(goal),
  };
  const burst = trained.begin + Math.round((trained.steps * BURST_STEPS) / steps);
  const seconds = round3(burst / SECONDS_HZ);
  const limit = burstGoal(subject.burstSeconds, seconds, target);
  const whole: BenchRow = {
    ...common,
    name: subject.burst,
    what: `${what}: ${BURST_STEPS} steps${steps === BURST_STEPS ? '' : `, ${steps} of them run`}`,
    cycles: isCounted ? burst : null,
    predictedCycles: target === 'rp2040' ? predicted(subject) : undefined,
    seconds: isCounted && target === 'rp2040' ? seconds : undefined,
    goal: isCounted ? limit : undefined,
    ok: isCorrect && reaches(isCounted ? limit : undefined),
  };
  return [row, whole];
}

async function rowsOf(
  subject: Case,
  target: Target,
  on: BenchTarget,
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
  const { target = 'rp2040', names, on = await targetOf(target), stalls = true } = options;
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

/** Cycles by phase, unit by unit, and the longest unit of each. */
async function phases(subject: Case, target: Target): Promise<string> {
  const model = subject.model();
  const device = new Device(await targetOf(target), model, subject.adapter);
  device.remember(windowsOf(subject, device), device.classes);
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
  const device = new Device(await targetOf(target), subject.model(), subject.adapter);
  device.remember(windowsOf(subject, device), device.classes);
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
