/**
 * One model on one firmware: the WebAssembly or an emulated chip, driven by the very same calls
 * (FirmwareInterface), so that what they compute can be compared byte by byte.
 */
import { compileModel, type CompiledModel } from '../compiler/compile.ts';
import type { AdapterOptions } from '../compiler/adapter.ts';
import { buildImage } from '../compiler/emit-image.ts';
import type { FirmwareInterface } from '../sim/firmware.ts';
import { Training, type TrainingOptions } from '../sim/training.ts';

const NO_BUDGET = 0x7fffffff;
/** engine.h: rt_engine_t is model, arena, layer, row, hooks. */
const LAYER_WORD = 2;

/** A firmware for benchmarks. */
export interface BenchFirmware extends FirmwareInterface {
  /** Puts the model's tables where the target has them; returns the address of rt_model. */
  placeModel(compiled: CompiledModel): number;
  /** Cycles of all calls so far; undefined where nobody counts them. */
  readonly cyclesSoFar?: number;
  /** Deepest stack of all calls so far. */
  readonly stackBytes?: number;
  /** Cycles that misses of the flash cache would have added so far; an estimate. */
  readonly stallCycles?: number;
  /** Cycles by function of one call. */
  profile?(name: string, ...args: number[]): Map<string, number>;
}

/** Where firmwares of a target come from. */
export interface BenchTarget {
  /** Whether the compiler is to add the tables of the boards' kernels. */
  packed: boolean;
  /** A fresh one, its memory unused. */
  boot(): BenchFirmware;
}

export interface ModelFile {
  bytes: Uint8Array;
  file: string;
}

/** A model started on a firmware of its own. */
export class Device {
  readonly firmware: BenchFirmware;
  readonly compiled: CompiledModel;
  /** Of its tables. */
  readonly modelAddress: number;
  readonly training?: Training;
  private readonly engine: number;

  constructor(target: BenchTarget, { bytes, file }: ModelFile, adapter?: AdapterOptions) {
    this.compiled = compileModel(bytes, file, { adapter, packed: target.packed });
    this.firmware = target.boot();
    const { firmware, compiled } = this;
    this.modelAddress = firmware.placeModel(compiled);
    const arena = firmware.allocate(compiled.arenaBytes);
    this.engine = firmware.allocate(firmware.call('rt_sim_engine_bytes'));
    firmware.check(
      file,
      'rt_engine_init',
      this.engine,
      this.modelAddress,
      arena,
      compiled.arenaBytes,
    );
    if (compiled.training) this.training = new Training(firmware, file, this.engine, this.classes);
  }

  private tensor(index: number): CompiledModel['model']['tensors'][0] {
    const tensor = this.compiled.model.tensors[index];
    if (!tensor) throw new Error(`there is no tensor ${index}`);
    return tensor;
  }

  get inputTensor(): CompiledModel['model']['tensors'][0] {
    return this.tensor(this.compiled.model.inputTensor);
  }

  /** Cycles that `work` takes on the target; 0 where they are not counted. */
  count(work: () => unknown): number {
    const before = this.firmware.cyclesSoFar ?? 0;
    work();
    return (this.firmware.cyclesSoFar ?? 0) - before;
  }

  show(input: Int8Array): void {
    const at = this.firmware.call('rt_engine_tensor', this.engine, this.inputTensor.index);
    this.firmware.i8(at, input.length).set(input);
  }

  /** One whole inference. */
  infer(input: Int8Array): { output: Int8Array; cycles: number } {
    this.show(input);
    this.firmware.call('rt_engine_begin', this.engine);
    const cycles = this.count(() =>
      this.firmware.check('inference', 'rt_engine_run', this.engine, NO_BUDGET),
    );
    return { output: this.output(), cycles };
  }

  private output(): Int8Array {
    const { index, bytes } = this.tensor(this.compiled.model.outputTensor);
    const at = this.firmware.call('rt_engine_tensor', this.engine, index);
    return this.firmware.i8(at, bytes).slice();
  }

  /** One inference row by row: cycles by layer, the call of rt_engine_run included. */
  inferByLayer(input: Int8Array): { layers: number[]; longestRow: number; output: Int8Array } {
    const layers = this.compiled.model.layers.map(() => 0);
    let longestRow = 0;
    this.show(input);
    this.firmware.call('rt_engine_begin', this.engine);
    for (let done = false; !done;) {
      const layer = this.firmware.u32(this.engine, LAYER_WORD + 1)[LAYER_WORD] ?? 0;
      const cycles = this.count(() => {
        done = this.firmware.check('inference', 'rt_engine_run', this.engine, 1) === 0;
      });
      layers[layer] = (layers[layer] ?? 0) + cycles;
      longestRow = Math.max(longestRow, cycles);
    }
    return { layers, longestRow, output: this.output() };
  }

  /** What misses of the flash cache would add to an inference that is not the first. */
  inferenceStalls(input: Int8Array): number {
    this.infer(input);
    const before = this.firmware.stallCycles ?? 0;
    this.infer(input);
    return (this.firmware.stallCycles ?? 0) - before;
  }

  /** The same of a burst's steps, without what fills the cache of activations. */
  burstStalls(options: Partial<TrainingOptions>): number {
    this.trainer.begin(options);
    this.fillCache();
    const before = this.firmware.stallCycles ?? 0;
    this.trainer.run();
    return (this.firmware.stallCycles ?? 0) - before;
  }

  /** Cycles of an inference by function. */
  profile(input: Int8Array): Map<string, number> {
    this.show(input);
    return this.firmware.profile?.('rt_engine_infer', this.engine) ?? new Map<string, number>();
  }

  /** Cycles of one training step by function. */
  profileStep(): Map<string, number> {
    const { trainer, firmware } = this;
    trainer.begin({ steps: 1, batch: 1, views: 1 });
    this.fillCache();
    const address = trainer.internals.trainer;
    return firmware.profile?.('rt_train_run', address, NO_BUDGET) ?? new Map<string, number>();
  }

  /** The firmware's own estimate of an inference, in cycles of a Cortex-M0+. */
  get estimatedCycles(): number {
    return this.compiled.model.layers.reduce((sum, layer, index) => {
      const rows = this.tensor(layer.output).height;
      return sum + rows * this.firmware.call('rt_engine_row_cycles', this.engine, index);
    }, 0);
  }

  /** Outputs of the model. */
  get classes(): number {
    return this.tensor(this.compiled.model.outputTensor).bytes;
  }

  /** rt_train_phase_t of the trainer. */
  get phase(): number {
    return this.firmware.call('rt_sim_trainer_phase', this.trainer.internals.trainer);
  }

  /** Labels `windows` inputs and keeps them. */
  remember(windows: Int8Array[], classes: number): void {
    windows.forEach((window, i) => {
      this.show(window);
      this.trainer.remember(i % classes);
    });
  }

  get trainer(): Training {
    if (!this.training) throw new Error(`${this.compiled.file}: compiled without an adapter`);
    return this.training;
  }

  private fillCache(): number {
    return this.count(() => {
      while (this.phase === PHASE_CACHE) this.trainer.run(1);
    });
  }

  /**
   * A burst. Frozen activations are cached unit by unit and counted apart; all that follows runs
   * in one call, as on a board that does nothing else.
   */
  burst(options: Partial<TrainingOptions>): { begin: number; cache: number; steps: number } {
    const { trainer } = this;
    const begin = this.count(() => trainer.begin(options));
    const cache = this.fillCache();
    const steps = this.count(() => trainer.run());
    return { begin, cache, steps };
  }
}

/** rt_train_phase_t */
const PHASE_CACHE = 1;

/** Tables and weights of a model, in bytes. */
export const tableBytes = (compiled: CompiledModel): number =>
  buildImage(compiled.description, 0).bytes.length;
