/**
 * What a device does with the labelled words of a new speaker: remember, train, check, and keep the
 * adapter or put the old one back.
 */
import type { Engine } from './engine.ts';
import type { CheckResult, Training, TrainingOptions } from './training.ts';

export interface LabelledClip {
  pcm: Int16Array;
  label: number;
}

export interface PersonaliseOptions extends Partial<TrainingOptions> {
  /** Training cycles a call, as a device would between two windows; no limit if absent. */
  sliceCycles?: number;
  /** Called after every slice. */
  onProgress?: (step: number, loss: number) => void;
}

export interface Personalised {
  /** Training steps of all bursts. */
  steps: number;
  /** The check found the trained adapter worse, and the old one is active. */
  refused: boolean;
  /** Mean loss of each step's windows in the last burst that ran. */
  losses: number[];
  /** Windows held out: the old adapter against the new one. Absent where none could be. */
  check?: CheckResult;
}

/**
 * Personalises an engine that was loaded with an adapter. The last take of each word is held out
 * from a first burst, which shows whether adapting helps this speaker. If it does not, the old
 * adapter stays. If it does, a second burst learns from all takes.
 */
export function personalise(
  engine: Engine,
  clips: LabelledClip[],
  options: PersonaliseOptions = {},
): Personalised {
  const { training } = engine;
  const heldOut = lastTakes(clips);
  training.forget();
  clips.forEach(({ pcm, label }, index) => {
    engine.infer(engine.features(pcm));
    training.remember(label, heldOut.has(index) ? 'heldOut' : 'train');
  });
  if (heldOut.size === 0) return { ...burst(training, options), refused: false };
  const trial = burst(training, options);
  const check = training.evaluate('heldOut');
  training.restore();
  if (!keeps(check)) return { ...trial, refused: true, check };
  for (const index of heldOut) training.assign(index, 'train');
  const final = burst(training, options);
  return { steps: trial.steps + final.steps, losses: final.losses, refused: false, check };
}

/** The last clip of every label that has at least two. */
function lastTakes(clips: LabelledClip[]): Set<number> {
  const last = new Map<number, number>();
  const several = new Set<number>();
  clips.forEach(({ label }, index) => {
    if (last.has(label)) several.add(label);
    last.set(label, index);
  });
  return new Set([...several].map((label) => last.get(label) ?? 0));
}

/**
 * No word fewer right. The loss does not decide: it rises on words that were right already when
 * training makes an overconfident model a little less so.
 */
export function keeps({ before, after }: CheckResult): boolean {
  return after.correct >= before.correct;
}

function burst(
  training: Training,
  options: PersonaliseOptions,
): { steps: number; losses: number[] } {
  const { sliceCycles, onProgress, ...parameters } = options;
  const losses: number[] = [];
  training.begin(parameters);
  for (let done = false; !done;) {
    // One unit a call at least, so that the loss of every step is seen.
    done = training.run(sliceCycles ?? 1);
    if (training.step > losses.length) losses.push(training.loss);
    onProgress?.(training.step, training.loss);
  }
  return { steps: training.step, losses };
}
