import type {
  HeldOutResult,
  Inference,
  LearningEngine,
  Method,
  TrainingParameters,
  TrainingState,
} from '../../sim/learning-engine.ts';

/** Stands in for the engine where only the services are tested: every answer is a known constant. */
export class FakeEngine implements LearningEngine {
  readonly modelName = 'fake';
  readonly modelHash = 0xdeadbeef;
  readonly modelBytes = 40000;
  readonly inputBytes = 4;
  readonly profile = 'digits';
  readonly labels = ['zero', 'one', 'two'];
  readonly sampleRate = 8000;
  readonly windowSamples = 8000;
  readonly defaults = { steps: 40, learningRate: 0.25, momentum: 0.5, batch: 4, clip: 1.5 };
  readonly arenaBytes = 50000;
  readonly capacity = 3;
  readonly featureCycles = 1_250_000;
  readonly inferenceCycles = 11_250_000;
  trainCount = 0;
  heldOutCount = 0;
  loss = 2;
  parameters?: TrainingParameters;
  private step = 0;
  /** Grows with training; it is the whole adapter. */
  private adapter = 0;

  constructor(
    readonly method: Method = 'skip',
    readonly rank = 8,
  ) {}

  get adapterBytes(): number {
    return this.rank * 10;
  }

  features(pcm: Int16Array): Int8Array {
    return Int8Array.of(pcm.length >> 8, pcm[pcm.length >> 1] ?? 0);
  }

  infer(): Inference {
    return { label: 2, confidence: 0.75, margin: 2.5, entropy: 0.125, shift: 1.5 };
  }

  remember(_pcm: Int16Array, _label: number, heldOut: boolean): boolean {
    if (this.trainCount + this.heldOutCount >= this.capacity) return false;
    if (heldOut) this.heldOutCount++;
    else this.trainCount++;
    return true;
  }

  forget(): void {
    this.trainCount = 0;
    this.heldOutCount = 0;
  }

  trainBegin(parameters: TrainingParameters): void {
    this.parameters = parameters;
    this.step = 0;
  }

  trainRun(budgetCycles: number): TrainingState {
    const total = this.parameters?.steps ?? 0;
    this.step = Math.min(total, this.step + 2);
    this.adapter++;
    this.loss = 2 - this.step / total;
    return { step: this.step, done: this.step === total, cycles: budgetCycles };
  }

  trainEnd(): void {
    this.parameters = undefined;
  }

  evaluateHeldOut(): HeldOutResult {
    const correct = this.adapter > 0 ? this.heldOutCount : 0;
    return { correct, total: this.heldOutCount, loss: this.adapter > 0 ? 0.5 : 1.5 };
  }

  saveAdapter(): Uint8Array {
    return Uint8Array.of(this.adapter, this.rank);
  }

  loadAdapter(bytes: Uint8Array): 'ok' | 'damaged' | 'mismatch' {
    if (bytes.length !== 2) return 'damaged';
    if (bytes[1] !== this.rank) return 'mismatch';
    this.adapter = bytes[0] ?? 0;
    return 'ok';
  }

  resetAdapter(): void {
    this.adapter = 0;
  }
}
