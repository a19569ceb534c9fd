import { basename, join } from 'node:path';
import { projectRoot } from './compile.ts';
import { Engine } from './engine.ts';
import { SIMULATED_PLACES } from './learner-setup.ts';
import type {
  CreateEngine,
  HeldOutResult,
  Inference,
  LearningEngine,
  Method,
  TrainingParameters,
  TrainingState,
} from './learning-engine.ts';

/** Our base models, wherever the command is called from. */
export const MODELS = join(projectRoot, 'models', 'digits');
export const DEFAULT_MODEL = join(MODELS, 'digits.tflite');

/** rt_status_t of an adapter that was made for another model, method or rank. */
const BLOB_MODEL = -21;
/** Share of the newest loss in the mean that is reported. */
const LOSS_SMOOTHING = 0.25;
const DEFAULT_METHOD = 'skip';

/** The engine in sim/firmware.wasm as the learner service wants it. */
export class ModelEngine implements LearningEngine {
  readonly modelName: string;
  readonly rank: number;
  readonly capacity: number;
  readonly places: number;
  readonly defaults: LearningEngine['defaults'];
  loss = 0;
  private isTraining = false;
  /** Cycles of training that an inference had to wait for. */
  private owed = 0;

  constructor(
    private readonly engine: Engine,
    readonly method: Method,
  ) {
    this.modelName = basename(engine.file, '.tflite');
    this.rank = Math.max(1, engine.rank);
    this.places = engine.places;
    if (method === 'none') {
      this.capacity = 0;
      this.defaults = { steps: 0, learningRate: 0, momentum: 0, batch: 1, clip: 0 };
    } else {
      const { capacity, defaults } = engine.training;
      const { steps, rate, momentum, batch, clip } = defaults;
      this.capacity = capacity;
      this.defaults = { steps, learningRate: rate, momentum, batch, clip };
    }
  }

  get modelHash(): number {
    return this.engine.modelHash >>> 0;
  }

  get modelBytes(): number {
    return this.engine.modelBytes;
  }

  get inputBytes(): number {
    return this.engine.inputBytes;
  }

  get profile(): string {
    return this.engine.profile;
  }

  get labels(): readonly string[] {
    return this.engine.labels;
  }

  get sampleRate(): number {
    return this.engine.sampleRate;
  }

  get windowSamples(): number {
    return this.engine.windowSamples;
  }

  get arenaBytes(): number {
    return this.engine.arenaBytes;
  }

  get adapterBytes(): number {
    return this.engine.adapterBytes;
  }

  get trainCount(): number {
    return this.method === 'none' ? 0 : this.engine.training.count('train');
  }

  get heldOutCount(): number {
    return this.method === 'none' ? 0 : this.engine.training.count('heldOut');
  }

  get featureCycles(): number {
    return this.engine.featureCycles;
  }

  get inferenceCycles(): number {
    return this.engine.inferenceCycles;
  }

  features(pcm: Int16Array): Int8Array {
    return this.engine.features(pcm);
  }

  infer(input: Int8Array): Inference {
    this.freeArena();
    const { class: label, confidence, margin, entropy } = this.engine.infer(input);
    return { label, confidence, margin, entropy, shift: this.engine.shift(input) };
  }

  remember(pcm: Int16Array, label: number, heldOut: boolean): boolean {
    if (this.trainCount + this.heldOutCount >= this.capacity) return false;
    this.engine.infer(this.engine.features(pcm));
    this.engine.training.remember(label, heldOut ? 'heldOut' : 'train');
    return true;
  }

  forget(): void {
    if (this.method !== 'none') this.engine.training.forget();
  }

  trainBegin({ learningRate: rate, ...parameters }: TrainingParameters): void {
    this.engine.training.begin({ ...parameters, rate });
    this.isTraining = true;
    this.loss = 0;
  }

  trainRun(budgetCycles: number): TrainingState {
    const { training } = this.engine;
    let cycles = this.owed;
    this.owed = 0;
    if (this.isTraining) {
      this.isTraining = !training.run(budgetCycles);
      cycles += training.runCycles;
    }
    this.noteLoss();
    return { step: training.step, done: !this.isTraining, cycles };
  }

  trainEnd(): void {
    if (!this.isTraining) return;
    this.engine.training.stop();
    while (!this.engine.training.run());
    this.isTraining = false;
  }

  evaluateHeldOut(): HeldOutResult {
    const { total, after } = this.engine.training.evaluate('heldOut');
    return { total, correct: after.correct, loss: after.loss };
  }

  saveAdapter(): Uint8Array {
    return this.method === 'none' ? new Uint8Array(0) : this.engine.training.save();
  }

  loadAdapter(bytes: Uint8Array): 'ok' | 'damaged' | 'mismatch' {
    if (this.method === 'none') return 'mismatch';
    const status = this.engine.training.verify(bytes);
    if (status === BLOB_MODEL) return 'mismatch';
    if (status < 0) return 'damaged';
    this.engine.training.load(bytes);
    return 'ok';
  }

  resetAdapter(): void {
    if (this.method !== 'none') this.engine.training.reset();
  }

  /** An inference would disturb a step that is half done: the step is finished first. */
  private freeArena(): void {
    while (this.isTraining && this.engine.training.ownsArena) {
      this.isTraining = !this.engine.training.run(UNIT);
      this.owed += this.engine.training.runCycles;
    }
  }

  private noteLoss(): void {
    const { loss } = this.engine.training;
    this.loss = this.loss === 0 ? loss : this.loss + LOSS_SMOOTHING * (loss - this.loss);
  }
}

/** The smallest slice of training. */
const UNIT = 1;

/** Makes engines for a model, each a fresh one. */
export function engineFactory(model: string): CreateEngine {
  return async (method = DEFAULT_METHOD, rank) => {
    const adapter = method === 'none' ? undefined : { method, rank, places: SIMULATED_PLACES };
    return new ModelEngine(await Engine.load(model, { adapter }), method);
  };
}
