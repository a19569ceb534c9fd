/**
 * Burst control: how much to train at once, when to stop, and whether what was learned is kept.
 *
 * A burst is a row of slices. After each slice the held-out windows are checked: a slice that made
 * them better is kept, any other is rolled back, and after a few of those in a row the burst ends.
 * So a burst never ends worse than it began. The class only takes numbers; `runBurst` connects it
 * to a learner.
 *
 * A score is any number that grows with quality on the held-out windows; see `scoreOf`.
 */

export interface BurstOptions {
  /** Steps at most, 1 or more; default 600. */
  steps?: number;
  /**
   * Energy at most, in millijoules, above 0; default 4000. The first slice shows what a slice costs, and
   * no further one begins that would exceed the budget.
   */
  millijoules?: number;
  /** Steps of a slice, 1 or more; default 200. */
  slice?: number;
  /** Slices in a row without gain before the burst ends, 1 or more; default 2. */
  patience?: number;
  /** A slice is kept only when the score grew by more than this, 0 or more; default 0. */
  minGain?: number;
}

/** Why a burst ended. */
export type BurstEnd = 'steps' | 'energy' | 'patience';

export class Burst {
  private readonly maxSteps: number;
  private readonly maxMillijoules: number;
  private readonly slice: number;
  private readonly patience: number;
  private readonly minGain: number;
  private readonly before: number;
  private best: number;
  private failures = 0;
  private steps = 0;
  private millijoules = 0;
  private dearestSlice = 0;

  /** @param before score on the held-out windows before any training */
  constructor(options: BurstOptions, before: number) {
    this.maxSteps = options.steps ?? 600;
    this.maxMillijoules = options.millijoules ?? 4000;
    this.slice = options.slice ?? 200;
    this.patience = options.patience ?? 2;
    this.minGain = options.minGain ?? 0;
    this.before = before;
    this.best = before;
  }

  /** Steps of the next slice; 0 when the burst is over. */
  next(): number {
    if (this.failures >= this.patience) return 0;
    // A slice has fixed costs besides its steps, so the dearest slice so far is what the next may cost.
    if (this.maxMillijoules - this.millijoules < this.dearestSlice) return 0;
    return Math.max(0, Math.min(this.slice, this.maxSteps - this.steps));
  }

  /** Reports what was trained and what it cost. */
  spent(steps: number, millijoules: number): void {
    this.steps += steps;
    this.millijoules += millijoules;
    this.dearestSlice = Math.max(this.dearestSlice, millijoules);
  }

  /** Reports the score after a slice; true: keep the slice, false: roll it back. */
  checked(score: number): boolean {
    const better = score > this.best + this.minGain;
    if (better) {
      this.best = score;
      this.failures = 0;
    } else {
      this.failures++;
    }
    return better;
  }

  /** Best score minus the score before; 0 when every slice was rolled back. */
  gain(): number {
    return this.best - this.before;
  }

  end(): BurstEnd {
    if (this.failures >= this.patience) return 'patience';
    return this.steps >= this.maxSteps ? 'steps' : 'energy';
  }

  stepsDone(): number {
    return this.steps;
  }

  millijoulesSpent(): number {
    return this.millijoules;
  }
}

/**
 * A score from a check: windows that are right count first, the loss decides between equals.
 * @param correct held-out windows that are right, 0 or more
 * @param loss mean loss over them, 0 or more
 */
export function scoreOf(correct: number, loss: number): number {
  return correct + 1 / (1 + loss);
}

/** What a burst needs from a learner; every call may wait. */
export interface Trainer {
  /** Score on the held-out windows with the adapter as it is now. */
  check(): Promise<number>;
  /** Trains one slice and returns the millijoules that it cost. */
  train(steps: number): Promise<number>;
  /** Undoes the last slice. */
  rollBack(): Promise<void>;
}

export async function runBurst(options: BurstOptions, trainer: Trainer): Promise<Burst> {
  const burst = new Burst(options, await trainer.check());
  let steps = burst.next();
  while (steps > 0) {
    burst.spent(steps, await trainer.train(steps));
    if (!burst.checked(await trainer.check())) await trainer.rollBack();
    steps = burst.next();
  }
  return burst;
}
