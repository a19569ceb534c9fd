/**
 * Adapter, labelled windows and training bursts of one engine: native/engine/train.h with the units
 * that people use. Class Engine delegates to it.
 */
import type { FirmwareInterface } from './firmware.ts';

/** A training burst; rt_train_params_t in real units. */
export interface TrainingOptions {
  /** Updates. */
  steps: number;
  /** Windows an update. */
  batch: number;
  /** Learning rate of the first step; it falls to 0 as a half cosine. */
  rate: number;
  momentum: number;
  /** Weight decay towards the frozen model. */
  decay: number;
  /** Largest norm of a gradient; 0: no limit. */
  clip: number;
  /** Label smoothing. */
  smoothing: number;
  /** 1: windows as they are. More: head and skip see so many views of each, lora a new one a sample. */
  views: number;
  /** A view is moved by up to so many rows of the input either way, */
  shiftRows: number;
  /** stretched by up to this share, */
  tempo: number;
  /** gets noise of this standard deviation, in deviations of the column, */
  noise: number;
  /** an offset of up to so many deviations on its level (column 0), */
  gain: number;
  /** and with this probability loses its quiet beginning and end. */
  erode: number;
  seed: number;
}

/** The adapter from before the last burst against the present one. */
export interface CheckResult {
  total: number;
  before: { correct: number; loss: number };
  after: { correct: number; loss: number };
}

export type Purpose = 'train' | 'heldOut';
const PURPOSE = { train: 0, heldOut: 1 } as const;

/** Members of rt_train_params_t in order, with the factor from real to integer. */
const PARAMETERS: [keyof TrainingOptions, number][] = [
  ['steps', 1],
  ['batch', 1],
  ['rate', 2 ** 24],
  ['momentum', 2 ** 15],
  ['decay', 2 ** 24],
  ['clip', 2 ** 16],
  ['smoothing', 2 ** 15],
  ['views', 1],
  ['shiftRows', 1],
  ['tempo', 2 ** 8],
  ['noise', 2 ** 8],
  ['gain', 2 ** 8],
  ['erode', 2 ** 8],
  ['seed', 1],
];

/** rt_train_phase_t: the kind of the next unit of work. */
const PHASES = [
  'idle',
  'cache',
  'sample',
  'forward',
  'backward',
  'refresh',
  'update',
  'check',
] as const;
export type TrainingPhase = (typeof PHASES)[number];

const OK = 0;
const NO_BUDGET = 0x7fffffff;
const Q16 = 2 ** 16;

export class Training {
  /** The firmware's own default parameters for this kind of adapter. */
  readonly defaults: TrainingOptions;
  /** Labelled windows that fit. */
  readonly capacity: number;
  /** Memory of the labelled windows, beside the arena. */
  readonly windowBytes: number;
  /** Bytes of a saved adapter. */
  readonly adapterBytes: number;

  private readonly adapter: number;
  private readonly trainer: number;
  private readonly params: number;
  private readonly windows: number;
  private readonly blob: number;

  /** `engine`: address of the rt_engine_t of a model that was compiled with an adapter. */
  constructor(
    private readonly firmware: FirmwareInterface,
    private readonly file: string,
    engine: number,
    private readonly classes: number,
  ) {
    this.adapter = firmware.allocate(firmware.call('rt_sim_adapter_bytes'));
    this.check('rt_adapter_init', this.adapter, engine);
    this.capacity = firmware.call('rt_sim_window_limit', this.adapter);
    this.windowBytes = this.capacity * firmware.call('rt_sim_window_entry_bytes', engine);
    const memory = firmware.allocate(this.windowBytes);
    this.trainer = firmware.allocate(firmware.call('rt_sim_trainer_bytes'));
    this.check('rt_trainer_init', this.trainer, this.adapter, memory, this.windowBytes);
    this.params = firmware.allocate(firmware.call('rt_sim_params_bytes'));
    this.adapterBytes = firmware.call('rt_blob_bytes', this.adapter);
    this.blob = firmware.allocate(this.adapterBytes);
    this.windows = firmware.call('rt_sim_trainer_windows', this.trainer);
    this.defaults = this.readDefaults();
  }

  /** The firmware and its rt_adapter_t and rt_trainer_t, for tests that look inside. */
  get internals(): { firmware: FirmwareInterface; adapter: number; trainer: number } {
    return { firmware: this.firmware, adapter: this.adapter, trainer: this.trainer };
  }

  private check(name: string, ...args: number[]): number {
    return this.firmware.check(this.file, name, ...args);
  }

  private readDefaults(): TrainingOptions {
    this.firmware.call('rt_train_defaults', this.adapter, this.params);
    const words = this.firmware.u32(this.params, PARAMETERS.length);
    const entries = PARAMETERS.map(([name, factor], i) => [name, (words[i] ?? 0) / factor]);
    return Object.fromEntries(entries) as TrainingOptions;
  }

  /** Logits of the last inference, with the adapter. */
  logits(): Float64Array {
    const at = this.firmware.call('rt_sim_adapter_logits', this.adapter);
    return Float64Array.from(this.firmware.i32(at, this.classes), (value) => value / Q16);
  }

  /** Keeps the input tensor's window. Throws when there is no room. */
  remember(label: number, purpose: Purpose = 'train'): void {
    this.check('rt_train_remember', this.trainer, label, PURPOSE[purpose]);
  }

  /** Changes what the window remembered as number `index` is for. */
  assign(index: number, purpose: Purpose): void {
    this.check('rt_windows_assign', this.windows, index, PURPOSE[purpose]);
  }

  count(purpose: Purpose): number {
    return this.firmware.call('rt_windows_count', this.windows, PURPOSE[purpose]);
  }

  forget(): void {
    this.check('rt_train_forget', this.trainer);
  }

  /** Starts a burst. */
  begin(options: Partial<TrainingOptions> = {}): void {
    const words = PARAMETERS.map(([name, factor]) =>
      Math.round((options[name] ?? this.defaults[name]) * factor),
    );
    this.firmware.u32(this.params, words.length).set(words);
    this.check('rt_train_begin', this.trainer, this.params);
  }

  /**
   * Goes on for about so many cycles of the board, or to the end if none are given. Returns whether
   * the burst has ended.
   */
  run(budgetCycles?: number): boolean {
    const slice = budgetCycles ?? NO_BUDGET;
    let done = this.check('rt_train_run', this.trainer, slice) === OK;
    while (!done && budgetCycles === undefined) {
      done = this.check('rt_train_run', this.trainer, slice) === OK;
    }
    return done;
  }

  /** Cycles of a Cortex-M0+ that the last run() with a budget should have taken: the firmware's own
   * estimate, within 10 % of what the emulated RP2040 counts (docs/rp2040.md). */
  get runCycles(): number {
    return this.firmware.call('rt_sim_trainer_cycles', this.trainer);
  }

  /** The burst ends after the present step. */
  stop(): void {
    this.firmware.call('rt_train_stop', this.trainer);
  }

  /** What the next unit of work is for. */
  get phase(): TrainingPhase {
    return PHASES[this.firmware.call('rt_sim_trainer_phase', this.trainer)] ?? 'idle';
  }

  /** Updates done in this burst. */
  get step(): number {
    return this.firmware.call('rt_sim_trainer_step', this.trainer);
  }

  /** Mean loss of the last update's windows, in nats. */
  get loss(): number {
    return this.firmware.call('rt_sim_trainer_loss', this.trainer) / Q16;
  }

  /** Whether an inference now would disturb the trainer: then run on first. */
  get ownsArena(): boolean {
    return this.firmware.call('rt_train_owns_arena', this.trainer) !== 0;
  }

  /** Undoes the last burst. */
  restore(): void {
    this.check('rt_train_restore', this.trainer);
  }

  /** Evaluates the adapter from before the last burst and the present one. */
  evaluate(purpose: Purpose = 'heldOut'): CheckResult {
    this.check('rt_check_begin', this.trainer, PURPOSE[purpose]);
    while (this.check('rt_check_run', this.trainer, NO_BUDGET) !== OK);
    const at = this.firmware.call('rt_sim_trainer_check', this.trainer);
    const [total = 0, before = 0, after = 0, lossBefore = 0, lossAfter = 0] = this.firmware.u32(
      at,
      5,
    );
    return {
      total,
      before: { correct: before, loss: lossBefore / Q16 },
      after: { correct: after, loss: lossAfter / Q16 },
    };
  }

  /** Switches the adapter's effect off or on. */
  enable(on: boolean): void {
    this.firmware.call('rt_adapter_enable', this.adapter, on ? 1 : 0);
  }

  /** Back to the frozen model. */
  reset(seed = 1): void {
    this.firmware.call('rt_adapter_reset', this.adapter, seed);
  }

  save(): Uint8Array {
    this.check('rt_blob_save', this.adapter, this.blob, this.adapterBytes);
    return this.firmware.u8(this.blob, this.adapterBytes).slice();
  }

  /** Throws, and leaves the present adapter as it is, when the blob is not one for this model. */
  load(blob: Uint8Array): void {
    this.check('rt_blob_load', this.adapter, this.place(blob), blob.length);
  }

  /** What load would say: rt_status_t. */
  verify(blob: Uint8Array): number {
    return this.firmware.call('rt_blob_verify', this.adapter, this.place(blob), blob.length);
  }

  private place(blob: Uint8Array): number {
    const fits = blob.length <= this.adapterBytes;
    const at = fits ? this.blob : this.firmware.allocate(blob.length);
    this.firmware.u8(at, blob.length).set(blob);
    return at;
  }
}
