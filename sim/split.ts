import { RetuneError } from '../cli/error.ts';

/** What the few-shot protocol needs to know of a clip. */
export interface Take {
  label: string;
  /** Running number of the recording of this word by this speaker. */
  take: number;
}

export interface Split<T> {
  train: T[];
  test: T[];
}

/** A word with at least this many takes is tested on takes >= FIRST_TEST_TAKE only. */
const MANY_TAKES = 15;
const FIRST_TEST_TAKE = 10;

/**
 * The evaluation protocol for one speaker: the first `shots` takes of each word, in order of take,
 * are learnt from; takes >= 10 are the test, or, where a word has fewer than 15 takes, all that is
 * left. A word with a single take is tested and not learnt, one with too few keeps one for the test.
 */
export function splitTakes<T extends Take>(
  clips: T[],
  labels: readonly string[],
  shots: number,
): Split<T> {
  const split: Split<T> = { train: [], test: [] };
  for (const label of labels) {
    const takes = clips.filter((clip) => clip.label === label).sort((a, b) => a.take - b.take);
    const count = Math.min(shots, Math.max(takes.length - 1, 0));
    const rest = takes.slice(count);
    split.train.push(...takes.slice(0, count));
    split.test.push(
      ...(takes.length < MANY_TAKES ? rest : rest.filter((clip) => clip.take >= FIRST_TEST_TAKE)),
    );
  }
  return split;
}

/** Words of the data that the model knows, in the model's order. */
export function knownWords(clips: Take[], labels: readonly string[], source: string): string[] {
  if (clips.length === 0) {
    throw new RetuneError(`${source}: not one clip; add recordings or leave this speaker out`);
  }
  const spoken = new Set(clips.map((clip) => clip.label));
  const words = labels.filter((label) => spoken.has(label) && !RESERVED.has(label));
  if (words.length === 0) {
    throw new RetuneError(
      `${source}: none of its labels (${[...spoken].slice(0, 5).join(', ')}…) is a word of the model ` +
        `(${labels.join(', ')}); choose a model that was trained on these words`,
    );
  }
  return words;
}

/** Classes that are no word: nobody is asked to say them, and they are not adapted. */
const RESERVED = new Set(['silence', 'unknown']);
