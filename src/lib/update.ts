/**
 * Trial of an adapter that came from outside as a delta: a person says some words, and what the
 * adapter makes of them decides. Nobody has to: what stays undecided is taken back by the firmware
 * at the next start.
 */

export interface TrialOptions {
  /** Share of the words that must be right, 0..1; default 0.8. */
  good?: number;
  /** Share of the words asked for that must have been said, 0..1; default 0.5. */
  enough?: number;
}

export type Verdict = 'keep' | 'revert' | 'undecided';

/**
 * @param asked words asked for
 * @param said how many of them were said
 * @param rightShare share of those that were recognised, 0..1
 */
export function judge(
  asked: number,
  said: number,
  rightShare: number,
  options: TrialOptions = {},
): Verdict {
  const { good, enough } = options;
  const wanted = enough === undefined ? 0.5 : enough;
  if (said === 0 || said < asked * wanted) return 'undecided';
  const threshold = good === undefined ? 0.8 : good;
  return rightShare >= threshold ? 'keep' : 'revert';
}
