/**
 * What a burst of training will take on the board, before any board has run one: the firmware's own
 * estimate of its units of work (rt_adapter_row_cycles and the constants beside the code that they
 * are for; test/training holds them against counts). A few steps of a burst are run on synthetic
 * windows and added up by phase; the rest of it is multiplication, since what a unit costs does not
 * depend on the values.
 */
import type { CompiledModel } from '../compiler/compile.ts';
import type { Workload } from '../compiler/energy.ts';
import { DSP_PROFILE_FACTS } from '../native/dsp/quant.ts';
import { RetuneError } from '../cli/error.ts';
import { featureCycles, listeningCycles } from './cycles.ts';
import { Engine } from './engine.ts';
import { Random } from './random.ts';
import type { Training, TrainingOptions, TrainingPhase } from './training.ts';

/** Times that something is done in a burst, and cycles of a Cortex-M0+ for all of them. */
export interface BurstPart {
  times: number;
  cycles: number;
}

export interface BurstPrediction {
  /** Labelled windows that are trained on. */
  windows: number;
  steps: number;
  batch: number;
  views: number;
  /** One inference with the adapter. */
  inferenceCycles: number;
  /** Frozen layers, once a view of a window that is kept. */
  frozen: BurstPart;
  /** Forward where it is not kept, loss, backward, gradients. */
  samples: BurstPart;
  /** Of parameters; nothing where gradients are applied as they come. */
  updates: BurstPart;
  cycles: number;
  cyclesPerStep: number;
}

/** Predicts a burst on `windows` windows (all that fit), with the firmware's defaults or others. */
export function predictBurst(
  compiled: CompiledModel,
  { windows, ...options }: Partial<TrainingOptions> & { windows?: number } = {},
): BurstPrediction | undefined {
  if (compiled.training === undefined) return undefined;
  const engine = Engine.start(compiled);
  const { training } = engine;
  const count = windows ?? training.capacity;
  if (count < 1 || count > training.capacity) {
    throw new RetuneError(`${compiled.file}: a burst on ${count} of ${training.capacity} windows`);
  }
  const { steps, batch, views } = { ...training.defaults, ...options };
  rememberSynthetic(engine, count);
  const kept = Math.min(count, compiled.training.cache.windows);
  // Every window is drawn once in a round, so that kept ones and others count as in the burst.
  const tried = Math.min(steps, Math.max(2, Math.ceil(count / batch)));
  const parts = run(training, { ...options, steps: tried, views: Math.min(views, 2) });
  const cyclesOf = (phase: TrainingPhase): number => parts[phase]?.cycles ?? 0;
  const perView = cyclesOf('refresh') / Math.max(1, parts.refresh?.times ?? 0);
  const further = refreshes(steps, (views - 1) * kept);
  const frozen = { times: kept + further, cycles: cyclesOf('cache') + further * perView };
  const sampled = cyclesOf('sample') + cyclesOf('forward') + cyclesOf('backward');
  const samples = { times: steps * batch, cycles: (steps * sampled) / tried };
  const updates = { times: steps, cycles: (steps * cyclesOf('update')) / tried };
  const stepCycles = samples.cycles + updates.cycles;
  return {
    windows: count,
    steps,
    batch,
    views,
    inferenceCycles: engine.inferenceCycles,
    frozen: rounded(frozen),
    samples: rounded(samples),
    updates: rounded(updates),
    cycles: Math.round(frozen.cycles + stepCycles),
    cyclesPerStep: Math.round(stepCycles / steps),
  };
}

const rounded = ({ times, cycles }: BurstPart): BurstPart => ({
  times,
  cycles: Math.round(cycles),
});

function rememberSynthetic(engine: Engine, count: number): void {
  const random = new Random(1);
  for (let i = 0; i < count; i++) {
    engine.begin(Int8Array.from({ length: engine.inputBytes }, () => random.below(201) - 100));
    engine.training.remember(i % engine.classes);
  }
}

/** Views that are made before the last step begins: wants_refresh of native/engine/train.c. */
function refreshes(steps: number, views: number): number {
  const last = Math.floor(((steps - 1) * 1024) / steps);
  let made = 0;
  while (made < views && Math.floor((made * 1024) / views) < last) made++;
  return made;
}

/** Estimated cycles of a whole burst by phase, and how often each was entered. */
function run(
  training: Training,
  options: Partial<TrainingOptions>,
): Partial<Record<TrainingPhase, BurstPart>> {
  const parts: Partial<Record<TrainingPhase, BurstPart>> = {};
  let before: TrainingPhase = 'idle';
  training.begin(options);
  for (let done = false; !done;) {
    const { phase } = training;
    done = training.run(1);
    const part = (parts[phase] ??= { times: 0, cycles: 0 });
    if (phase !== before) part.times += 1;
    part.cycles += training.runCycles;
    before = phase;
  }
  return parts;
}

/** What the energy of a day is counted from; nothing for a model without features. */
export function workloadOf(
  { features }: CompiledModel,
  { inferenceCycles, cycles }: BurstPrediction,
): Workload | undefined {
  if (features === undefined) return undefined;
  const { clipSamples, rateHz } = DSP_PROFILE_FACTS[features.profile];
  return {
    windowSeconds: clipSamples / rateHz,
    featureCycles: featureCycles(features.profile),
    inferenceCycles,
    listeningCycles: listeningCycles(rateHz),
    burstCycles: cycles,
  };
}

const count = (value: number): string => Math.round(value).toLocaleString('en-US');
const millions = (cycles: number): string => `${(cycles / 1e6).toFixed(cycles < 1e8 ? 2 : 0)} M`;

/** For a terminal; `joulesOf` says what cycles take on the board, where it is known. */
export function burstText(
  burst: BurstPrediction,
  clockHz: number,
  joulesOf?: (cycles: number) => number,
): string {
  const { windows, steps, batch, views, frozen, samples, updates, cycles } = burst;
  const part = (name: string, { times, cycles: spent }: BurstPart): string =>
    `  ${name}: ${count(times)} times, ${millions(spent)} cycles`;
  const joules = joulesOf === undefined ? '' : `, ${joulesOf(cycles).toFixed(2)} J`;
  const seconds = (cycles / clockHz).toFixed(1);
  const times = (burst.cyclesPerStep / burst.inferenceCycles).toFixed(2);
  return [
    `A burst of ${steps} steps, batch ${batch}, on ${windows} windows in ${views} views takes about ` +
      `${millions(cycles)} cycles, ${seconds} s${joules}`,
    part('frozen layers', frozen),
    part('samples', samples),
    ...(updates.cycles > 0 ? [part('updates', updates)] : []),
    `  a step: ${millions(burst.cyclesPerStep)} cycles, ${times} times an inference`,
  ].join('\n');
}
