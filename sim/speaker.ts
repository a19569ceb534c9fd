import { RetuneError } from '../cli/error.ts';
import type { Random } from './random.ts';
import type { Recording } from './recordings.ts';

/** Takes of each word that are kept for when the device asks for them, and never used otherwise. */
const ENROLMENT_TAKES = 5;

/** Goes round a list without end. */
class Cycle<T> {
  private at = 0;

  constructor(private readonly items: T[]) {}

  next(): T {
    return this.items[this.at++ % this.items.length] as T;
  }
}

/**
 * Somebody who can say the words of the model. What is said in ordinary use is never what was said
 * during enrolment, so accuracy after adaptation is measured on takes the device has not learnt from.
 */
export class Speaker {
  private readonly enrolment = new Map<string, Cycle<Recording>>();
  private readonly ordinary = new Map<string, Cycle<Recording>>();
  /** Words to be said next: all of them once, in random order, then again. */
  private bag: string[] = [];

  constructor(
    readonly name: string,
    recordings: Recording[],
    words: readonly string[],
    private readonly random: Random,
    /** Where the recordings are from, for messages. */
    source = 'recordings',
  ) {
    for (const word of words) {
      const takes = recordings.filter(({ speaker, label }) => speaker === name && label === word);
      if (takes.length === 0) continue;
      const count = Math.min(ENROLMENT_TAKES, takes.length >> 1);
      if (count === 0) {
        throw new RetuneError(
          `${source}: speaker ${name} says '${word}' only once; two takes of a word are needed: add one, or choose another speaker`,
        );
      }
      this.enrolment.set(word, new Cycle(takes.slice(0, count)));
      this.ordinary.set(word, new Cycle(random.shuffled(takes.slice(count))));
    }
    if (this.ordinary.size < 2) {
      throw new RetuneError(
        `${source}: speaker ${name} says fewer than two words of the model (${words.join(', ')}); choose another speaker or model`,
      );
    }
  }

  /** Any word, as in ordinary use. */
  anyWord(): Recording {
    if (this.bag.length === 0) this.bag = this.random.shuffled([...this.ordinary.keys()]);
    return (this.ordinary.get(this.bag.pop() as string) as Cycle<Recording>).next();
  }

  /** The word that the device asked for; undefined when this speaker has never said it. */
  askedWord(word: string): Recording | undefined {
    return this.enrolment.get(word)?.next();
  }
}
