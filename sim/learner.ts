import type { Window } from './capture.ts';
import {
  type AdapterSlots,
  newestSlot,
  rollBack,
  SOURCES,
  STATES,
  versionsOf,
} from './adapter-slots.ts';
import type { ServiceSpec } from './compile.ts';
import { Endpoint, type Values } from './endpoint.ts';
import {
  type LearningEngine,
  type Method,
  METHODS,
  type TrainingState,
} from './learning-engine.ts';
import { Places } from './learner-places.ts';
import { type Board, joulesOf, type Processor } from './processor.ts';

/** Enum Status of services/learner.md. */
export const STATUS = {
  ok: 0,
  noWindow: 1,
  busy: 2,
  full: 3,
  badLabel: 4,
  noSamples: 5,
  emptySlot: 6,
  badSlot: 7,
  mismatch: 8,
  unsupported: 9,
  nothingToRestore: 10,
  older: 11,
  badPlace: 12,
  badName: 13,
} as const;
export type Status = (typeof STATUS)[keyof typeof STATUS];

/** Enum Reason of services/learner.md. */
const REASON = { steps: 0, budget: 1, stopped: 2, failed: 3 } as const;

const HELD_OUT = 1;
/** RT_STORE_SLOTS */
const SLOTS = 8;
/** RT_ADAPTER_NAME_BYTES */
const NAME_BYTES = 24;
/** Windows that `remember` can still reach. */
const RECENT_WINDOWS = 8;
const PROGRESS_REPORTS = 20;

export interface LearnerOptions {
  spec: ServiceSpec;
  processor: Processor;
  board: Board;
  slots: AdapterSlots;
  engine: LearningEngine;
  /** Makes an engine with another method or rank. */
  reconfigure: (method: Method, rank: number) => Promise<LearningEngine>;
  /** Called after each prediction, with the window that it belongs to. */
  onPrediction?: (prediction: Prediction, window: Window) => void;
  /** Called with the name and values of every report and event that a script gets to see, and with the
   * fields of the command that a report answers. */
  onTraffic?: (name: string, values: Values, command?: Values) => void;
}

export interface Prediction {
  window: number;
  label: number;
  confidence: number;
  margin: number;
  entropy: number;
  shift: number;
}

interface Burst {
  steps: number;
  cycles: number;
  budgetCycles: number;
  reported: number;
  stopping: boolean;
}

/** What a command makes the processor do when its turn comes, and what is reported then. */
interface Work {
  start: () => { cycles: number; report: Values };
  /** Done before the report. */
  finish?: () => void;
}

interface Remembered {
  window: Window;
  input: Int8Array;
}

/** Server of services/learner.md over the engine: thin, no arithmetic of learning here. */
export class Learner {
  readonly endpoint: Endpoint;
  private engine: LearningEngine;
  private readonly recent: Remembered[] = [];
  private waiting = false;
  private burst?: Burst;
  private reconfiguring = false;
  /** Checks that wait or run. */
  private checks = 0;
  private places: Places;
  /** Changes of place that wait for an inference to end. */
  private swaps = 0;

  constructor(private readonly options: LearnerOptions) {
    this.engine = options.engine;
    this.places = new Places(this.engine);
    const { spec } = options;
    const { defaults } = this.engine;
    this.endpoint = new Endpoint(spec, {
      enabled: [true],
      method: [METHODS.indexOf(this.engine.method)],
      rank: [this.engine.rank],
      learning_rate: [defaults.learningRate],
      momentum: [defaults.momentum],
      batch: [defaults.batch],
      clip: [defaults.clip],
      steps: [defaults.steps],
      seed: [1],
      slice: [20000],
      model_name: [this.engine.modelName],
      model_hash: [this.engine.modelHash],
      model_size: [this.engine.modelBytes],
      input_size: [this.engine.inputBytes],
      classes: [this.engine.labels.length],
      features: [this.engine.profile],
      capacity: [this.engine.capacity],
      slots: [SLOTS],
    });
    this.defineRegisters();
    this.defineCommands();
  }

  /** Takes a window from capture. @returns false when the one before has not been classified yet */
  deliver(window: Window): boolean {
    if (!this.isEnabled) return true;
    if (this.waiting) return false;
    this.waiting = true;
    let prediction: Prediction | undefined;
    this.options.processor.run(
      {
        start: () => {
          const input = this.engine.features(window.pcm);
          this.recent.push({ window, input });
          if (this.recent.length > RECENT_WINDOWS) this.recent.shift();
          prediction = this.predict({ window, input });
          return this.engine.featureCycles + this.engine.inferenceCycles;
        },
        finish: () => {
          this.waiting = false;
          if (prediction !== undefined) this.announce(prediction, window);
        },
      },
      'urgent',
    );
    return true;
  }

  private get isEnabled(): boolean {
    return this.endpoint.flag('enabled');
  }

  private defineRegisters(): void {
    const { endpoint } = this;
    endpoint.computed('arena_size', () => [this.engine.arenaBytes]);
    endpoint.computed('adapter_size', () => [this.engine.adapterBytes]);
    endpoint.computed('train_count', () => [this.engine.trainCount]);
    endpoint.computed('held_out_count', () => [this.engine.heldOutCount]);
    endpoint.computed('training', () => [this.burst !== undefined]);
    endpoint.computed('loss', () => [this.engine.loss]);
    endpoint.computed('energy', () => [this.joules(this.options.processor.cycles)]);
    endpoint.computed('kilocycles', () => [Math.round(this.options.processor.cycles / 1000)]);
    endpoint.computed('newest_slot', () => [newestSlot(this.options.slots)]);
    endpoint.computed('places', () => [this.places.count]);
    endpoint.computed('active_place', () => [this.places.active]);
    endpoint.written('method', () => this.configure());
    endpoint.written('rank', () => this.configure());
  }

  /** Takes over registers `method` and `rank`; what the engine cannot do is set back. */
  private configure(): void {
    const method = METHODS[this.endpoint.number('method')];
    const rank = Math.max(1, Math.min(16, this.endpoint.number('rank')));
    const changed = method !== this.engine.method || rank !== this.engine.rank;
    if (method === undefined || !changed || this.mustWait) return this.showConfiguration();
    this.reconfiguring = true;
    const done = (engine?: LearningEngine): void => {
      this.reconfiguring = false;
      if (engine !== undefined) {
        this.engine = engine;
        this.places = new Places(engine);
      }
      this.showConfiguration();
    };
    this.options.reconfigure(method, rank).then(done, () => {
      done();
      this.event('error', [STATUS.unsupported, `no adapter ${method} of rank ${rank}`]);
    });
  }

  private showConfiguration(): void {
    this.endpoint.set('method', METHODS.indexOf(this.engine.method));
    this.endpoint.set('rank', this.engine.rank);
  }

  /** The engine with the present method and rank. */
  get presentEngine(): LearningEngine {
    return this.engine;
  }

  get isTraining(): boolean {
    return this.burst !== undefined;
  }

  /** Whether a burst or a check needs the adapter. */
  private get isBusy(): boolean {
    return this.burst !== undefined || this.checks > 0 || this.reconfiguring;
  }

  /** Whether adapters and places must stay as they are. */
  private get mustWait(): boolean {
    return this.isBusy || this.swaps > 0;
  }

  private defineCommands(): void {
    this.command('infer', () => this.infer());
    this.command('remember', ([window, label, purpose]) =>
      this.remember(Number(window), Number(label), Number(purpose)),
    );
    this.command('train', ([steps, budget]) => [this.train(Number(steps), Number(budget))]);
    this.command('stop', () => {
      if (this.burst !== undefined) this.burst.stopping = true;
      return [STATUS.ok];
    });
    this.command('check', () => this.check());
    this.command('restore', () => [this.restore()]);
    this.command('reset', () => [this.whenIdle(() => this.reset())]);
    this.command('forget', () => [this.forget()]);
    this.command('save', ([slot]) => this.save(Number(slot)));
    this.command('load', ([slot]) => this.load(Number(slot), this.places.active).slice(0, 2));
    this.definePlaces();
    this.command('class_name', ([index]) => [
      Number(index),
      this.engine.labels[Number(index)] ?? '',
    ]);
  }

  private definePlaces(): void {
    this.command('describe', ([slot]) => this.describe(Number(slot)));
    this.command('load_place', ([slot, place]) => this.load(Number(slot), Number(place)));
    this.command('swap', ([place]) => this.swap(Number(place)));
    this.command('describe_place', ([place]) => this.describePlace(Number(place)));
    this.command('rename', ([place, name]) => [this.rename(Number(place), String(name ?? ''))]);
    this.command('clear_place', ([place]) => [this.whenIdle(() => this.clearPlace(Number(place)))]);
    this.command('drop', ([slot]) => [this.whenIdle(() => this.drop(Number(slot)))]);
    this.command('roll_back', ([slot]) => [
      this.whenIdle(() => this.rollBack(Number(slot))),
      versionsOf(this.options.slots, Number(slot)).length,
    ]);
  }

  private command(name: string, handler: (values: Values) => Values | Work): void {
    this.endpoint.command(name, (values, reply) => {
      const answer = (report: Values): void => {
        reply(report);
        this.options.onTraffic?.(name, report, values);
      };
      const result = handler(values);
      if (Array.isArray(result)) answer(result);
      else {
        let report: Values = [];
        const start = (): number => {
          const done = result.start();
          report = done.report;
          return done.cycles;
        };
        const finish = (): void => {
          result.finish?.();
          answer(report);
        };
        this.options.processor.run({ start, finish }, 'urgent');
      }
      return undefined;
    });
  }

  private event(name: string, values: Values): void {
    this.endpoint.event(name, values);
    this.options.onTraffic?.(name, values);
  }

  private joules(cycles: number): number {
    return joulesOf(cycles, this.options.board);
  }

  private whenIdle(action: () => Status): Status {
    return this.mustWait ? STATUS.busy : action();
  }

  private predict({ window, input }: Remembered): Prediction {
    const { label, confidence, margin, entropy, shift } = this.engine.infer(input);
    return { window: window.number, label, confidence, margin, entropy, shift };
  }

  private announce(prediction: Prediction, window: Window): void {
    const values = wireValues(prediction);
    this.endpoint.set('last_prediction', ...values);
    this.options.onPrediction?.(readPrediction(this.endpoint.onWire('prediction', values)), window);
    this.event('prediction', values);
  }

  private infer(): Values | Work {
    if (this.recent.length === 0) return wireValues(NOTHING);
    return {
      start: () => {
        const last = this.recent.at(-1) as Remembered;
        return { cycles: this.engine.inferenceCycles, report: wireValues(this.predict(last)) };
      },
    };
  }

  private remember(number: number, label: number, purpose: number): Values {
    const counts = (): Values => [this.engine.trainCount, this.engine.heldOutCount];
    const found =
      number === 0
        ? this.recent.at(-1)
        : this.recent.find(({ window }) => window.number === number);
    if (this.isBusy) return [STATUS.busy, ...counts()];
    if (label >= this.engine.labels.length) return [STATUS.badLabel, ...counts()];
    if (found === undefined) return [STATUS.noWindow, ...counts()];
    const kept = this.engine.remember(found.window.pcm, label, purpose === HELD_OUT);
    return [kept ? STATUS.ok : STATUS.full, ...counts()];
  }

  private train(steps: number, budgetMs: number): Status {
    if (this.mustWait) return STATUS.busy;
    if (this.engine.method === 'none') return STATUS.unsupported;
    if (this.engine.trainCount === 0) return STATUS.noSamples;
    const number = (name: string): number => this.endpoint.number(name);
    const wanted = steps === 0 ? number('steps') : steps;
    this.places.burstBegun();
    this.engine.trainBegin({
      steps: wanted,
      learningRate: number('learning_rate'),
      momentum: number('momentum'),
      batch: number('batch'),
      clip: number('clip'),
      seed: number('seed'),
    });
    const budgetCycles =
      budgetMs === 0 ? Infinity : (budgetMs / 1000) * this.options.board.retune.clockHz;
    this.burst = { steps: wanted, cycles: 0, budgetCycles, reported: 0, stopping: false };
    this.trainSlice();
    return STATUS.ok;
  }

  private trainSlice(): void {
    const { clockHz } = this.options.board.retune;
    const sliceCycles = (this.endpoint.number('slice') / 1e6) * clockHz;
    let state: TrainingState = { step: 0, done: false, cycles: 0 };
    this.options.processor.run(
      {
        start: () => {
          state = this.engine.trainRun(sliceCycles);
          return state.cycles;
        },
        finish: () => this.sliceDone(state),
      },
      'background',
    );
  }

  private sliceDone(state: TrainingState): void {
    const { burst } = this;
    if (burst === undefined) return;
    burst.cycles += state.cycles;
    if (state.done) this.finishBurst(REASON.steps, state.step);
    else if (burst.stopping) this.finishBurst(REASON.stopped, state.step);
    else if (burst.cycles >= burst.budgetCycles) this.finishBurst(REASON.budget, state.step);
    else {
      this.reportProgress(burst, state.step);
      this.trainSlice();
    }
  }

  private reportProgress(burst: Burst, step: number): void {
    const due = Math.floor((step * PROGRESS_REPORTS) / burst.steps);
    if (due <= burst.reported) return;
    burst.reported = due;
    const loss = this.engine.loss;
    this.event('training_progress', [step, burst.steps, loss, this.joules(burst.cycles)]);
  }

  private finishBurst(reason: number, steps: number): void {
    const cycles = this.burst?.cycles ?? 0;
    this.engine.trainEnd();
    this.burst = undefined;
    this.event('training_done', [reason, steps, this.engine.loss, this.joules(cycles)]);
  }

  private check(): Values | Work {
    if (this.isBusy) return [STATUS.busy, 0, 0, 0, 0, 0];
    if (this.engine.heldOutCount === 0) return [STATUS.noSamples, 0, 0, 0, 0, 0];
    this.checks++;
    return { start: () => this.evaluate(), finish: () => void this.checks-- };
  }

  private evaluate(): { cycles: number; report: Values } {
    const after = this.engine.evaluateHeldOut();
    let before = after;
    const adapterBefore = this.places.adapterBefore;
    if (adapterBefore !== undefined) {
      const present = this.engine.saveAdapter();
      this.engine.loadAdapter(adapterBefore);
      before = this.engine.evaluateHeldOut();
      this.engine.loadAdapter(present);
    }
    const { total, correct, loss } = after;
    this.places.checked(total, before.correct, correct);
    // behind frozen layers both adapters share one inference, inside the network they cannot
    const inferences = (this.engine.method === 'lora' ? 2 : 1) * total;
    return {
      cycles: inferences * this.engine.inferenceCycles,
      report: [STATUS.ok, total, before.correct, correct, before.loss, loss],
    };
  }

  private restore(): Status {
    if (this.mustWait) return STATUS.busy;
    return this.places.undoBurst() ? STATUS.ok : STATUS.nothingToRestore;
  }

  private reset(): Status {
    this.places.reset();
    return STATUS.ok;
  }

  private forget(): Status {
    if (this.isBusy) return STATUS.busy;
    this.engine.forget();
    return STATUS.ok;
  }

  private save(slot: number): Values {
    if (this.mustWait) return [STATUS.busy, 0];
    if (slot >= SLOTS) return [STATUS.badSlot, 0];
    if (this.engine.method === 'none') return [STATUS.unsupported, 0];
    return [STATUS.ok, this.places.save(this.options.slots, slot)];
  }

  private load(slot: number, place: number): Values {
    const refused = (status: Status): Values => [status, 0, slot, place];
    if (this.mustWait) return refused(STATUS.busy);
    if (this.places.get(place) === undefined) return refused(STATUS.badPlace);
    if (slot >= SLOTS) return refused(STATUS.badSlot);
    const loaded = this.places.load(this.options.slots, slot, place);
    switch (loaded.outcome) {
      case 'empty':
        return refused(STATUS.emptySlot);
      case 'damaged':
        return refused(STATUS.badSlot);
      case 'mismatch':
        return refused(STATUS.mismatch);
      case 'ok':
        return [STATUS.ok, loaded.bytes, slot, place];
      case 'older':
        return [STATUS.older, loaded.bytes, slot, place];
    }
  }

  private describe(slot: number): Values {
    const versions = versionsOf(this.options.slots, slot);
    const newest = versions[0];
    if (slot >= SLOTS) return [STATUS.badSlot, ...NO_DESCRIPTION(slot)];
    if (newest === undefined) return [STATUS.emptySlot, ...NO_DESCRIPTION(slot)];
    const { blob, saves, bursts, counter, total, before, after, state, source, name } = newest;
    const [method = 0, rank = 0] = blob.subarray(BLOB_METHOD);
    return [
      STATUS.ok,
      blob.length,
      saves,
      bursts,
      counter,
      total,
      before,
      after,
      slot,
      STATES.indexOf(state),
      SOURCES.indexOf(source),
      method,
      rank,
      versions.length,
      name,
    ];
  }

  private describePlace(number: number): Values {
    const place = this.places.get(number);
    if (place === undefined) return [STATUS.badPlace, number, 0, 0, 0, 0, 0, 0, 0, ''];
    const { slot, bursts, total, before, after, changed, name } = place;
    const flags = [changed, number === this.places.active].map(Number);
    return [STATUS.ok, number, slot, bursts, total, before, after, ...flags, name];
  }

  private rename(number: number, name: string): Status {
    const place = this.places.get(number);
    if (place === undefined) return STATUS.badPlace;
    // \ufffd stands for bytes that were no UTF-8
    const isText = !/[\u0000-\u001f\u007f\ufffd]/.test(name);
    if (!isText || Buffer.byteLength(name) > NAME_BYTES) return STATUS.badName;
    Object.assign(place, { name, changed: true });
    return STATUS.ok;
  }

  private clearPlace(place: number): Status {
    if (this.places.get(place) === undefined) return STATUS.badPlace;
    this.places.clear(place);
    return STATUS.ok;
  }

  private drop(slot: number): Status {
    if (slot >= SLOTS) return STATUS.badSlot;
    if (!this.options.slots.delete(slot)) return STATUS.emptySlot;
    this.places.slotChanged(slot);
    return STATUS.ok;
  }

  private rollBack(slot: number): Status {
    if (slot >= SLOTS) return STATUS.badSlot;
    if (!rollBack(this.options.slots, slot)) return STATUS.emptySlot;
    this.places.slotChanged(slot);
    return STATUS.ok;
  }

  /** Waits its turn among the inferences that were asked for before. */
  private swap(place: number): Values | Work {
    if (this.places.get(place) === undefined) return [STATUS.badPlace, this.places.active];
    if (this.mustWait) return [STATUS.busy, this.places.active];
    this.swaps++;
    const start = (): { cycles: number; report: Values } => {
      this.places.use(place);
      return { cycles: SWAP_CYCLES, report: [STATUS.ok, place] };
    };
    return { start, finish: () => void this.swaps-- };
  }
}

/** Of a blob: method and rank, a byte each. */
const BLOB_METHOD = 6;
/** About what native/services needs for a change of place. */
const SWAP_CYCLES = 1000;

const NO_DESCRIPTION = (slot: number): Values => [0, 0, 0, 0, 0, 0, 0, slot, 0, 0, 0, 0, 0, ''];

const NOTHING: Prediction = {
  window: 0,
  label: 0,
  confidence: 0,
  margin: 0,
  entropy: 0,
  shift: 0,
};

/** A prediction from the fields of the event. */
export function readPrediction(values: Values): Prediction {
  const [window = 0, label = 0, confidence = 0, margin = 0, entropy = 0, shift = 0] =
    values.map(Number);
  return { window, label, confidence, margin, entropy, shift };
}

/** Fields of a prediction in the order and within the ranges of the specification. */
function wireValues({ window, label, confidence, margin, entropy, shift }: Prediction): Values {
  const fraction = (x: number): number => Math.min(x, 32767 / 32768);
  return [
    window,
    label,
    fraction(confidence),
    Math.min(margin, 255),
    fraction(entropy),
    Math.min(shift, 15.99),
  ];
}
