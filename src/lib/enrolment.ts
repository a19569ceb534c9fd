/**
 * Enrolment: the device asks for words, and a person says them. A button answers: a short press
 * says "yes, go on", a long one says "wrong, again". Without a press within the time to answer the
 * window is taken, unless it was too quiet.
 *
 * The class decides what to ask next; asking (LED, console) and hearing are the caller's.
 */

export interface EnrolmentOptions {
  /** Words in the order to ask; a word is known by its place in this list. */
  words: string[];
  /** Takes of every word, 1 or more; default 3. */
  takes?: number;
  /** Every n-th take of a word is held out for the check, 2 or more, 0 for none; default 3. */
  holdOutEvery?: number;
  /** Quieter windows are not taken, in dB below full scale, -96..0; default -50. */
  minLevel?: number;
  /** Attempts at one take before it is left out, 1 or more; default 4. */
  attempts?: number;
  /** Takes left out in a row after which nobody is there any more, 1 or more; default 2. */
  giveUp?: number;
}

export interface Request {
  /** Place of the word in `words`. */
  word: number;
  name: string;
  /** Which take, from 1. */
  take: number;
  takes: number;
  heldOut: boolean;
}

/** 'none': nobody pressed the button. */
export type Answer = 'yes' | 'wrong' | 'none';

export class Enrolment {
  private readonly words: string[];
  private readonly takes: number;
  private readonly holdOutEvery: number;
  private readonly minLevel: number;
  private readonly attempts: number;
  private readonly giveUp: number;
  private asked = 0;
  private failed = 0;
  private taken = 0;
  private right = 0;
  private leftOut = 0;
  private leftOutInARow = 0;

  constructor(options: EnrolmentOptions) {
    this.words = options.words;
    this.takes = options.takes ?? 3;
    this.holdOutEvery = options.holdOutEvery ?? 3;
    this.minLevel = options.minLevel ?? -50;
    this.attempts = options.attempts ?? 4;
    this.giveUp = options.giveUp ?? 2;
  }

  done(): boolean {
    return this.asked >= this.words.length * this.takes;
  }

  /** What to ask for now. All words come once before any comes again. */
  request(): Request {
    const word = this.asked % this.words.length;
    const take = Math.floor(this.asked / this.words.length) + 1;
    const heldOut = this.holdOutEvery > 0 && take % this.holdOutEvery === 0;
    return { word, name: this.words[word] as string, take, takes: this.takes, heldOut };
  }

  /**
   * Takes the person's answer to a window.
   * @param level of the window, in dB below full scale
   * @param guess the word that the model heard, a place in `words`
   * @returns whether the window is to be remembered under the requested word
   */
  answer(level: number, answer: Answer, guess: number): boolean {
    const keep = answer === 'yes' || (answer === 'none' && level >= this.minLevel);
    if (keep) {
      this.taken++;
      if (guess === this.request().word) this.right++;
      this.leftOutInARow = 0;
      this.advance();
      return true;
    }
    this.failed++;
    if (this.failed >= this.attempts) {
      this.leftOut++;
      this.leftOutInARow++;
      this.advance();
    }
    return false;
  }

  /** Windows taken so far. */
  count(): number {
    return this.taken;
  }

  /**
   * Share of the windows taken that the model recognised, 0..1: an honest test, as it was trained on
   * none of them yet. When it is close to 1 training has nothing to gain.
   */
  rightShare(): number {
    return this.taken > 0 ? this.right / this.taken : 0;
  }

  /** Takes that were given up after too many attempts. */
  givenUp(): number {
    return this.leftOut;
  }

  /** Nobody answers: to go on asking is of no use. */
  abandoned(): boolean {
    return this.leftOutInARow >= this.giveUp;
  }

  private advance(): void {
    this.asked++;
    this.failed = 0;
  }
}

/** From here on a press is a hold, in ms; the Jacdac button service sends its `hold` event then. */
export const LONG_PRESS_MS = 500;

/** A press of the button as an answer. @param holdMs how long it was down, in ms */
export function pressToAnswer(holdMs: number): Answer {
  return holdMs < LONG_PRESS_MS ? 'yes' : 'wrong';
}

/**
 * LED pattern for a word, so that enrolment works without a console: one long flash, then as many
 * short ones as the word's place in the list, counted from 1.
 * @returns times in ms, on and off in turn, starting with on
 */
export function blinkPattern(word: number): number[] {
  const pattern = [300, 150];
  for (let i = 0; i <= word; i++) {
    pattern.push(80);
    pattern.push(120);
  }
  return pattern;
}
