/** Adapter kinds in the order of the enum Method of services/learner.md. */
export const METHODS = ['none', 'head', 'skip', 'lora'] as const;
export type Method = (typeof METHODS)[number];

export interface TrainingParameters {
  steps: number;
  learningRate: number;
  momentum: number;
  /** Windows a step. */
  batch: number;
  /** Limit of the gradient's norm; 0: none. */
  clip: number;
  seed: number;
}

export interface TrainingState {
  /** Steps finished so far. */
  step: number;
  done: boolean;
  /** Cycles that this call would take on the board. */
  cycles: number;
}

export interface Inference {
  label: number;
  /** Softmax probability of the winner. */
  confidence: number;
  /** Difference of the two largest logits, in nats. */
  margin: number;
  /** Softmax entropy as a share of its maximum. */
  entropy: number;
  /** Distance of the window's mean features from the training data, in standard deviations. */
  shift: number;
}

export interface HeldOutResult {
  correct: number;
  total: number;
  /** Mean, in nats. */
  loss: number;
}

/** What the learner service needs of an engine. */
export interface LearningEngine {
  readonly modelName: string;
  readonly modelHash: number;
  readonly modelBytes: number;
  readonly inputBytes: number;
  readonly profile: string;
  readonly labels: readonly string[];
  /** Samples a second. */
  readonly sampleRate: number;
  /** Samples in a window. */
  readonly windowSamples: number;
  readonly method: Method;
  readonly rank: number;
  readonly defaults: Omit<TrainingParameters, 'seed'>;
  readonly arenaBytes: number;
  readonly adapterBytes: number;
  /** Adapters that the memory of the board has room for; 1 where it does not say. */
  readonly places?: number;
  /** Labelled windows that can be kept. */
  readonly capacity: number;
  readonly trainCount: number;
  readonly heldOutCount: number;
  /** Estimated for the board. */
  readonly featureCycles: number;
  readonly inferenceCycles: number;
  /** Mean training loss of the last steps, in nats. */
  readonly loss: number;

  features(pcm: Int16Array): Int8Array;
  infer(input: Int8Array): Inference;
  /** @returns false when there is no room */
  remember(pcm: Int16Array, label: number, heldOut: boolean): boolean;
  forget(): void;
  trainBegin(parameters: TrainingParameters): void;
  trainRun(budgetCycles: number): TrainingState;
  trainEnd(): void;
  evaluateHeldOut(): HeldOutResult;
  saveAdapter(): Uint8Array;
  loadAdapter(bytes: Uint8Array): 'ok' | 'damaged' | 'mismatch';
  resetAdapter(): void;
}

/** Makes a fresh engine: the base model and an adapter that changes nothing. */
export type CreateEngine = (method?: Method, rank?: number) => Promise<LearningEngine>;
