/**
 * The learning engine on the desktop: the firmware's own C code, compiled to WebAssembly, behind one
 * class. Nothing is computed twice: features, inference and training run in the firmware.
 *
 * Every Engine is a WebAssembly instance of its own; several live side by side.
 *
 *     const engine = await Engine.load('models/digits/digits.tflite');
 *     const { class: digit } = engine.infer(engine.features(pcm));
 */
import { readFileSync } from 'node:fs';
import { RetuneError } from '../cli/error.ts';
import { compileModel, type CompiledModel } from '../compiler/compile.ts';
import { buildImage } from '../compiler/emit-image.ts';
import type { FeatureOptions } from '../compiler/features.ts';
import type { AdapterOptions } from '../compiler/adapter.ts';
import type { LoweredTensor } from '../compiler/lower.ts';
import { featureCycles } from './cycles.ts';
import { FeatureExtractor, featureShift } from './features.ts';
import { Firmware } from './firmware.ts';
import { fromLogits, predict, type Prediction } from './prediction.ts';
import { Training } from './training.ts';

export type { Prediction } from './prediction.ts';

export interface EngineOptions {
  /** Name for messages when the model is given as bytes. */
  file?: string;
  /** How the model is adapted; absent: inference only. */
  adapter?: AdapterOptions;
  /** Features and labels, where the model's own metadata does not say or is to be overruled. */
  features?: FeatureOptions;
  labels?: string[];
}

/** Enough for any layer: a slice of this many multiply-accumulates ends only with the inference. */
const NO_BUDGET = 0x7fffffff;

function readModel(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch {
    throw new RetuneError(`${path}: cannot be read; give the path of a .tflite`);
  }
}

export class Engine {
  /** Name of the model's file. */
  readonly file: string;
  /** Bytes of the engine's planned memory: activations, adapter and training state. */
  readonly arenaBytes: number;
  /** Bytes of the model's tables in flash. */
  readonly modelBytes: number;
  /** Multiply-accumulates of one inference. */
  readonly macs: number;
  /** Number of values of the output tensor. */
  readonly classes: number;
  /** Names of the classes; numbers where nobody named them; none when the outputs are no classes. */
  readonly labels: readonly string[];

  private readonly input: LoweredTensor;
  private readonly output: LoweredTensor;
  private readonly arena: number;
  private readonly engine: number;
  private readonly extractor?: FeatureExtractor;
  private readonly adaptation?: Training;

  /** Use Engine.load. */
  private constructor(
    private readonly firmware: Firmware,
    private readonly compiled: CompiledModel,
  ) {
    const { model } = compiled;
    this.file = compiled.file;
    this.macs = model.macs;
    this.arenaBytes = compiled.arenaBytes;
    this.input = this.lowered(model.inputTensor);
    this.output = this.lowered(model.outputTensor);
    this.classes = this.output.bytes;
    this.labels = compiled.labels;
    const { address: image, bytes: imageBytes, symbols } = this.place();
    this.modelBytes = imageBytes;
    this.arena = firmware.allocate(this.arenaBytes);
    this.engine = firmware.allocate(firmware.call('rt_sim_engine_bytes'));
    const args = [this.engine, image, image, imageBytes, this.arena, this.arenaBytes];
    firmware.check(this.file, 'rt_sim_engine_init', ...args);
    if (compiled.training) {
      this.adaptation = new Training(firmware, this.file, this.engine, this.classes);
    }
    const { features } = compiled;
    if (features) {
      const quant = image + (symbols['rt_features'] ?? 0);
      this.extractor = new FeatureExtractor(firmware, features.profile, features.profileId, quant);
    }
  }

  /** Compiles a .tflite, given as a path or as bytes, and starts an engine on it. */
  static async load(model: string | Uint8Array, options: EngineOptions = {}): Promise<Engine> {
    const bytes = typeof model === 'string' ? readModel(model) : model;
    const file = options.file ?? (typeof model === 'string' ? model : 'model');
    const { adapter, features, labels } = options;
    return new Engine(new Firmware(), compileModel(bytes, file, { adapter, features, labels }));
  }

  /** Starts an engine on a model that is compiled. */
  static start(compiled: CompiledModel): Engine {
    return new Engine(new Firmware(), compiled);
  }

  /** Height, width and channels of the input tensor. */
  get inputShape(): [number, number, number] {
    return [this.input.height, this.input.width, this.input.channels];
  }

  /** Cycles of an inference on a Cortex-M0+, adapter included: the firmware's own estimate. */
  get inferenceCycles(): number {
    const { model } = this.compiled;
    return model.layers.reduce((sum, layer, index) => {
      return sum + this.lowered(layer.output).height * this.rowCycles(index);
    }, 0);
  }

  private rowCycles(layer: number): number {
    if (!this.adaptation) return this.firmware.call('rt_engine_row_cycles', this.engine, layer);
    return this.firmware.call('rt_adapter_row_cycles', this.adaptation.internals.adapter, layer);
  }

  /** Cycles of the features of a window on a Cortex-M0+. */
  get featureCycles(): number {
    return featureCycles(this.frontEnd.profile);
  }

  get inputBytes(): number {
    return this.input.bytes;
  }

  /** First four bytes of the SHA-256 of the .tflite, little-endian. */
  get modelHash(): number {
    return this.compiled.model.hash;
  }

  /** Samples a second that features() expects. */
  get sampleRate(): number {
    return this.frontEnd.sampleRate;
  }

  /** Samples of a window; features() pads or cuts what is shorter or longer. */
  get windowSamples(): number {
    return this.frontEnd.windowSamples;
  }

  /** Name of the feature profile. */
  get profile(): string {
    return this.frontEnd.profile;
  }

  /** The input tensor for a clip of 16-bit samples at sampleRate. */
  features(pcm: Int16Array): Int8Array {
    return this.frontEnd.clip(pcm);
  }

  /** See featureShift: distance of an input from the training data, in standard deviations. */
  shift(input: Int8Array): number {
    return featureShift(input, this.input.scale, this.input.zeroPoint);
  }

  /** Adapter, labelled windows and training; the engine must have been loaded with an adapter. */
  get training(): Training {
    if (this.adaptation) return this.adaptation;
    throw new RetuneError(`${this.file}: loaded without an adapter; choose skip, lora or head`);
  }

  /** Rank of the adapter's low-rank matrices; 0 where it has none. */
  get rank(): number {
    return this.compiled.training?.rank ?? 0;
  }

  /** Adapters that the planned memory has room for. */
  get places(): number {
    return this.compiled.training?.places ?? 1;
  }

  /** Bytes of a saved adapter. */
  get adapterBytes(): number {
    return this.compiled.training?.adapterBytes ?? 0;
  }

  /** Bytes of the labelled windows, beside the arena. */
  get windowBytes(): number {
    return this.adaptation?.windowBytes ?? 0;
  }

  /** One whole inference over an int8 input tensor. */
  infer(input: Int8Array): Prediction {
    this.begin(input);
    this.run(NO_BUDGET);
    return this.prediction();
  }

  /** Starts an inference to be run in slices. */
  begin(input: Int8Array): void {
    if (input.length !== this.input.bytes) {
      const shape = this.inputShape.join('x');
      throw new RetuneError(
        `${this.file}: an input of ${input.length} values; the model takes ${shape}`,
      );
    }
    this.tensor(this.input.index).set(input);
    this.firmware.call('rt_engine_begin', this.engine);
  }

  /** Runs about `budgetMacs` multiply-accumulates, at least one row. Returns whether it is done. */
  run(budgetMacs: number): boolean {
    return this.firmware.check(this.file, 'rt_engine_run', this.engine, budgetMacs) === 0;
  }

  /** What the last complete inference says. */
  prediction(): Prediction {
    if (this.adaptation) {
      return fromLogits(this.tensor(this.output.index).slice(), this.adaptation.logits());
    }
    const last = this.compiled.model.layers.at(-1);
    const source = last?.op === 'SOFTMAX' ? this.lowered(last.input) : this.output;
    return predict(
      this.tensor(this.output.index).slice(),
      this.tensor(source.index).slice(),
      source.scale,
      source.zeroPoint,
    );
  }

  /**
   * The bytes of a tensor of the compiled model, a view into the arena: valid until the arena is
   * used again, that is until a later layer overwrites it.
   */
  tensor(index: number): Int8Array {
    const at = this.firmware.call('rt_engine_tensor', this.engine, index);
    return this.firmware.i8(at, this.lowered(index).bytes);
  }

  /** Number of values that a layer reads. */
  layerInputValues(layer: number): number {
    const found = this.compiled.model.layers[layer];
    if (!found) throw new RangeError(`the model has no layer ${layer}`);
    return this.lowered(found.input).bytes;
  }

  private lowered(index: number): LoweredTensor {
    const tensor = this.compiled.model.tensors[index];
    if (!tensor) throw new RangeError(`the model has no tensor ${index}`);
    return tensor;
  }

  private get frontEnd(): FeatureExtractor {
    if (this.extractor) return this.extractor;
    throw new RetuneError(
      `${this.file}: nobody says which features it takes; ` +
        'give "features" in devicescript.json, or use a model that carries them',
    );
  }

  /** Puts the compiled tables into the firmware's memory. */
  private place(): { address: number; bytes: number; symbols: Record<string, number> } {
    const { description } = this.compiled;
    const bytes = buildImage(description, 0).bytes.length;
    const address = this.firmware.allocate(bytes);
    const image = buildImage(description, address);
    this.firmware.u8(address, bytes).set(image.bytes);
    return { address, bytes, symbols: image.symbols };
  }
}
