import type { Inference, LearningEngine, TrainingState } from '../../sim/learning-engine.ts';
import { Random } from '../support/random.ts';

/** Levels that a 12-bit converter passes on as they are: multiples of 16. */
const LEVEL = { base: 1024, label: 160, stranger: 80 };

/**
 * A word of the scripted world: its samples say what an engine would have to find out. One of them
 * stands out, or it would be no word for src/lib/sensor.ts.
 */
export function wordPcm(label: number, stranger: boolean): Int16Array {
  const level = LEVEL.base + LEVEL.label * label + (stranger ? LEVEL.stranger : 0);
  const pcm = new Int16Array(4000).fill(level);
  pcm[0] = -16000;
  return pcm;
}

export interface Script {
  words: string[];
  /** Held-out loss, in nats, after each slice of training; the last one stays. */
  losses: number[];
  /** Whether every third word of a stranger is misheard; default true. */
  mishears?: boolean;
}

/**
 * An engine that learns nothing and reports what a script says: margins fall with a stranger until
 * an adapter with less loss is in place. For tests of apps without a model.
 */
export class ScriptedEngine implements LearningEngine {
  readonly modelName = 'scripted';
  readonly modelHash = 1;
  readonly modelBytes = 1;
  readonly inputBytes = 1;
  readonly profile = 'digits';
  readonly sampleRate = 8000;
  readonly windowSamples = 8000;
  readonly method = 'skip';
  readonly rank = 8;
  readonly defaults = { steps: 300, learningRate: 0.02, momentum: 0.9, batch: 4, clip: 1 };
  readonly arenaBytes = 1;
  readonly adapterBytes = 1;
  readonly capacity = 100;
  readonly featureCycles = 1e6;
  readonly inferenceCycles = 1e7;
  readonly labels: readonly string[];
  readonly remembered: { label: number; heldOut: boolean }[] = [];
  /** Steps of every burst that was begun. */
  readonly bursts: number[] = [];
  /** Loads of saved adapters, by content. */
  readonly loads: number[] = [];
  /** The adapter: how many slices are in it. */
  private slices = 0;
  private steps = 0;
  private readonly random = new Random(1);

  constructor(private readonly script: Script) {
    this.labels = script.words;
  }

  get trainCount(): number {
    return this.remembered.filter(({ heldOut }) => !heldOut).length;
  }

  get heldOutCount(): number {
    return this.remembered.filter(({ heldOut }) => heldOut).length;
  }

  get loss(): number {
    return this.script.losses[Math.min(this.slices, this.script.losses.length - 1)] as number;
  }

  features(pcm: Int16Array): Int8Array {
    const code = Math.max(...pcm) - LEVEL.base;
    return Int8Array.of(Math.floor(code / LEVEL.label), code % LEVEL.label);
  }

  infer(input: Int8Array): Inference {
    const [word, stranger] = input as unknown as [number, number];
    const adapted = this.loss < (this.script.losses[0] as number);
    const sure = stranger === 0 || adapted;
    const margin = (sure ? 12 : 5) + 2 * this.random.bell();
    const misheard = !sure && this.script.mishears !== false && this.random.oneIn(3);
    const label = misheard ? (word + 1) % this.labels.length : word;
    return { label, confidence: 0.9, margin, entropy: 0.1, shift: 0 };
  }

  remember(pcm: Int16Array, label: number, heldOut: boolean): boolean {
    this.remembered.push({ label, heldOut });
    return pcm.length === this.windowSamples;
  }

  forget(): void {
    this.remembered.length = 0;
  }

  trainBegin({ steps }: { steps: number }): void {
    this.bursts.push(steps);
    this.steps = steps;
    this.slices = this.bursts.length;
  }

  trainRun(): TrainingState {
    return { step: this.steps, done: true, cycles: 1e6 };
  }

  trainEnd(): void {
    this.steps = 0;
  }

  evaluateHeldOut(): { correct: number; total: number; loss: number } {
    return { correct: 0, total: this.heldOutCount, loss: this.loss };
  }

  saveAdapter(): Uint8Array {
    return Uint8Array.of(this.slices);
  }

  loadAdapter(bytes: Uint8Array): ReturnType<LearningEngine['loadAdapter']> {
    this.slices = bytes[0] as number;
    this.loads.push(this.slices);
    return 'ok';
  }

  resetAdapter(): void {
    this.slices = 0;
  }
}
