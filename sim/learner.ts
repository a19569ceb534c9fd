import type { Window } from './capture.ts';
import type { ServiceSpec } from './compile.ts';
import { Endpoint, type Values } from './endpoint.ts';
import {
  type LearningEngine,
  type Method,
  METHODS,
  type TrainingState,
} from './learning-engine.ts';
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
} as const;
export type Status = (typeof STATUS)[keyof typeof STATUS];

/** Enum Reason of services/learner.md. */
const REASON = { steps: 0, budget: 1, stopped: 2, failed: 3 } as const;

const HELD_OUT = 1;
const SLOTS = 4;
/** Register newest_slot when nothing was saved. */
const NO_SLOT = 255;
/** Windows that `remember` can still reach. */
const RECENT_WINDOWS = 8;
const PROGRESS_REPORTS = 20;

export interface LearnerOptions {
  spec: ServiceSpec;
  processor: Processor;
  board: Board;
  /** Saved adapters by slot. */
  slots: Map<number, Uint8Array>;
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

/** A report that is due when the board would have worked for so many cycles. */
interface Work {
  cycles: number;
  report: Values;
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
  /** Adapter from before the last burst. */
  private before?: Uint8Array;

  constructor(private readonly options: LearnerOptions) {
    this.engine = options.engine;
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
    endpoint.computed('newest_slot', () => [[...this.options.slots.keys()].at(-1) ?? NO_SLOT]);
    endpoint.written('method', () => this.configure());
    endpoint.written('rank', () => this.configure());
  }

  /** Takes over registers `method` and `rank`; what the engine cannot do is set back. */
  private configure(): void {
    const method = METHODS[this.endpoint.number('method')];
    const rank = Math.max(1, Math.min(16, this.endpoint.number('rank')));
    const changed = method !== this.engine.method || rank !== this.engine.rank;
    if (method === undefined || !changed || this.isBusy) return this.showConfiguration();
    this.reconfiguring = true;
    const done = (engine?: LearningEngine): void => {
      this.reconfiguring = false;
      if (engine !== undefined) {
        this.engine = engine;
        this.before = undefined;
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

  /** Whether the adapter must be left alone. */
  private get isBusy(): boolean {
    return this.burst !== undefined || this.reconfiguring;
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
    this.command('forget', () => [this.whenIdle(() => this.forget())]);
    this.command('save', ([slot]) => this.save(Number(slot)));
    this.command('load', ([slot]) => this.load(Number(slot)));
    this.command('class_name', ([index]) => [
      Number(index),
      this.engine.labels[Number(index)] ?? '',
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
        const finish = (): void => answer(result.report);
        this.options.processor.run({ start: () => result.cycles, finish }, 'urgent');
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
    return this.isBusy ? STATUS.busy : action();
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
    const last = this.recent.at(-1);
    if (last === undefined) return wireValues(NOTHING);
    return { cycles: this.engine.inferenceCycles, report: wireValues(this.predict(last)) };
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
    if (this.isBusy) return STATUS.busy;
    if (this.engine.method === 'none') return STATUS.unsupported;
    if (this.engine.trainCount === 0) return STATUS.noSamples;
    const number = (name: string): number => this.endpoint.number(name);
    const wanted = steps === 0 ? number('steps') : steps;
    this.before = this.engine.saveAdapter();
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
    const after = this.engine.evaluateHeldOut();
    let before = after;
    if (this.before !== undefined) {
      const present = this.engine.saveAdapter();
      this.engine.loadAdapter(this.before);
      before = this.engine.evaluateHeldOut();
      this.engine.loadAdapter(present);
    }
    const { total, correct, loss } = after;
    // behind frozen layers both adapters share one inference, inside the network they cannot
    const inferences = (this.engine.method === 'lora' ? 2 : 1) * total;
    return {
      cycles: inferences * this.engine.inferenceCycles,
      report: [STATUS.ok, total, before.correct, correct, before.loss, loss],
    };
  }

  private restore(): Status {
    if (this.isBusy) return STATUS.busy;
    if (this.before === undefined) return STATUS.nothingToRestore;
    this.engine.loadAdapter(this.before);
    this.before = undefined;
    return STATUS.ok;
  }

  private reset(): Status {
    this.engine.resetAdapter();
    this.before = undefined;
    return STATUS.ok;
  }

  private forget(): Status {
    this.engine.forget();
    return STATUS.ok;
  }

  private save(slot: number): Values {
    if (this.isBusy) return [STATUS.busy, 0];
    if (slot >= SLOTS) return [STATUS.badSlot, 0];
    const bytes = this.engine.saveAdapter();
    // a map keeps the order of insertion: the newest comes last
    this.options.slots.delete(slot);
    this.options.slots.set(slot, bytes);
    return [STATUS.ok, bytes.length];
  }

  private load(slot: number): Values {
    if (this.isBusy) return [STATUS.busy, 0];
    if (slot >= SLOTS) return [STATUS.badSlot, 0];
    const bytes = this.options.slots.get(slot);
    if (bytes === undefined) return [STATUS.emptySlot, 0];
    const outcome = this.engine.loadAdapter(bytes);
    if (outcome === 'damaged') return [STATUS.badSlot, 0];
    if (outcome === 'mismatch') return [STATUS.mismatch, 0];
    this.before = undefined;
    return [STATUS.ok, bytes.length];
  }
}

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
