/**
 * Burst control: how much to train at once, when to stop, and whether what was learned is kept.
 *
 * The class only takes numbers and says what to do next; `runBurst` connects it to callbacks. A
 * score is any number that grows with quality on held-out windows, for example the share that is
 * right, or minus the loss.
 */

export interface BurstOptions {
  /** Steps at most, 1 or more; default 300. */
  steps?: number;
  /** Energy at most, in millijoules, above 0; default 1000. */
  millijoules?: number;
  /** Steps between two checks, 1 or more; default 50. */
  slice?: number;
  /** Checks without a better score before the burst ends, 1 or more; default 3. */
  patience?: number;
  /** A score counts as better only when it grew by more than this, 0 or more; default 0. */
  minGain?: number;
}

/** Why a burst ended. */
export type BurstEnd = 'steps' | 'energy' | 'patience';

/** What remains after a burst: the last state, the best one of the checks, or the one before it. */
export type BurstVerdict = 'last' | 'best' | 'before';

export class Burst {
  private readonly maxSteps: number;
  private readonly maxMillijoules: number;
  private readonly slice: number;
  private readonly patience: number;
  private readonly minGain: number;
  private readonly before: number;
  private best: number;
  private last: number;
  private checksSinceBest = 0;
  private steps = 0;
  private millijoules = 0;
  private dearestStep = 0;

  /** @param before score on the held-out windows before any training */
  constructor(options: BurstOptions, before: number) {
    this.maxSteps = options.steps ?? 300;
    this.maxMillijoules = options.millijoules ?? 1000;
    this.slice = options.slice ?? 50;
    this.patience = options.patience ?? 3;
    this.minGain = options.minGain ?? 0;
    this.before = before;
    this.best = before;
    this.last = before;
  }

  /** Steps to train before the next check; 0 when the burst is over. */
  next(): number {
    if (this.checksSinceBest >= this.patience) return 0;
    let steps = Math.min(this.slice, this.maxSteps - this.steps);
    if (this.dearestStep > 0) {
      const affordable = (this.maxMillijoules - this.millijoules) / this.dearestStep;
      steps = Math.min(steps, Math.floor(affordable));
    }
    return Math.max(0, steps);
  }

  /** Reports what was trained and what it cost. */
  spent(steps: number, millijoules: number): void {
    this.steps += steps;
    this.millijoules += millijoules;
    if (steps > 0) this.dearestStep = Math.max(this.dearestStep, millijoules / steps);
  }

  /** Reports a check; true when this is the best state so far, worth a snapshot. */
  checked(score: number): boolean {
    this.last = score;
    if (score > this.best + this.minGain) {
      this.best = score;
      this.checksSinceBest = 0;
      return true;
    }
    this.checksSinceBest++;
    return false;
  }

  /** Which state to keep. A burst that did not gain is undone: training must never hurt. */
  verdict(): BurstVerdict {
    if (this.best <= this.before + this.minGain) return 'before';
    return this.last >= this.best ? 'last' : 'best';
  }

  end(): BurstEnd {
    if (this.checksSinceBest >= this.patience) return 'patience';
    return this.steps >= this.maxSteps ? 'steps' : 'energy';
  }

  stepsDone(): number {
    return this.steps;
  }

  millijoulesSpent(): number {
    return this.millijoules;
  }

  /** Best score minus the score before, in units of the score; 0 when nothing was gained. */
  gain(): number {
    return this.best - this.before;
  }
}

/** What a burst needs from the learner; all calls may wait. */
export interface Trainer {
  /** Trains and returns the millijoules that it cost. */
  train(steps: number): Promise<number>;
  /** Score on the held-out windows, with the adapter as it is now. */
  check(): Promise<number>;
  /** Puts the present adapter aside as the best one. */
  keepBest(): Promise<void>;
  /** Brings back the adapter that was put aside, or the one before the burst. */
  bringBack(which: BurstVerdict): Promise<void>;
}

export async function runBurst(options: BurstOptions, trainer: Trainer): Promise<Burst> {
  const burst = new Burst(options, await trainer.check());
  let steps = burst.next();
  while (steps > 0) {
    const millijoules = await trainer.train(steps);
    burst.spent(steps, millijoules);
    if (burst.checked(await trainer.check())) await trainer.keepBest();
    steps = burst.next();
  }
  const verdict = burst.verdict();
  if (verdict !== 'last') await trainer.bringBack(verdict);
  return burst;
}
