import type { ClockGroup } from './clock.ts';
import type { Microphone, Utterance } from './microphone.ts';
import type { HeardWindow } from './powered-board.ts';
import type { Random } from './random.ts';
import type { Recording } from './recordings.ts';
import type { Speaker } from './speaker.ts';

/** All in milliseconds. */
const PAUSE = 1000;
const PAUSE_SPREAD = 500;
const REACTION = 600;
const ANSWER_AFTER = 300;
const SHORT_PRESS = 150;
const LONG_PRESS = 750;
const PATIENCE = 4000;

/**
 * The person in front of the device: says words, answers truthfully with the button, and says what
 * the device asks for. See docs/simulator.md.
 */
export class User {
  private pending?: ReturnType<ClockGroup['setTimeout']>;
  private asked?: Utterance;

  constructor(
    private readonly timers: ClockGroup,
    private readonly microphone: Microphone,
    private readonly random: Random,
    private readonly press: (milliseconds: number) => void,
    public speaker: Speaker,
  ) {}

  /** Begins to talk after a pause. */
  start(delay = PAUSE): void {
    this.plan(delay, () => this.sayAnything());
  }

  stop(): void {
    this.timers.clearTimeout(this.pending);
    this.asked = undefined;
  }

  /** Whether what is heard now was asked for. */
  isEnrolling(utterance: Utterance | undefined): boolean {
    return utterance !== undefined && utterance === this.asked;
  }

  /** The device asks for a word. */
  onAsk(word: string): void {
    const recording = this.speaker.askedWord(word);
    // a word this person never says: silence, until the script asks for another or gives up
    if (recording === undefined) return this.plan(2 * PATIENCE, () => this.sayAnything());
    this.plan(REACTION, () => {
      this.asked = this.say(recording);
      this.plan(this.lengthOf(recording) + PATIENCE, () => this.sayAnything());
    });
  }

  /** The device has classified a window. */
  onPrediction(heard: string, { truth }: HeardWindow): void {
    if (truth === undefined) return;
    if (truth === this.asked) {
      this.timers.setTimeout(() => this.press(SHORT_PRESS), ANSWER_AFTER);
    } else if (heard !== truth.label) {
      this.timers.setTimeout(() => this.press(LONG_PRESS), ANSWER_AFTER);
    }
  }

  private sayAnything(): void {
    this.asked = undefined;
    const recording = this.speaker.anyWord();
    this.say(recording);
    const pause = PAUSE + this.random.below(PAUSE_SPREAD);
    this.plan(this.lengthOf(recording) + pause, () => this.sayAnything());
  }

  private say(recording: Recording): Utterance {
    const { speaker, label, take, pcm } = recording;
    const utterance = { at: this.timers.timestamp, speaker, label, take, pcm };
    this.microphone.forgetBefore(utterance.at - 10_000);
    this.microphone.play(utterance);
    return utterance;
  }

  private lengthOf({ pcm }: Recording): number {
    return (pcm.length * 1000) / this.microphone.rate;
  }

  private plan(delay: number, action: () => void): void {
    this.timers.clearTimeout(this.pending);
    this.pending = this.timers.setTimeout(action, delay);
  }
}
