/** Something that was said, and when it began (milliseconds of virtual time). */
export interface Utterance {
  at: number;
  speaker: string;
  label: string;
  take: number;
  pcm: Int16Array;
}

/**
 * The sound around the board: words on a time line, silence between them. Samples are addressed by
 * their number since time 0.
 */
export class Microphone {
  private readonly spoken: Utterance[] = [];

  /** @param rate samples a second */
  constructor(readonly rate: number) {}

  /** Plays a recording from `utterance.at` on. */
  play(utterance: Utterance): void {
    this.spoken.push(utterance);
  }

  /** Instant at which the last word ends, in milliseconds. */
  get busyUntil(): number {
    return this.spoken.reduce((latest, word) => Math.max(latest, this.endOf(word)), 0);
  }

  /** Number of the sample at an instant. */
  sampleAt(instant: number): number {
    return Math.floor((instant * this.rate) / 1000);
  }

  /** Samples `begin` up to, not including, `end`. Overlapping words add up and saturate. */
  read(begin: number, end: number): Int16Array {
    const samples = new Int16Array(Math.max(0, end - begin));
    for (const word of this.spoken) {
      const first = this.sampleAt(word.at);
      const from = Math.max(begin, first);
      const to = Math.min(end, first + word.pcm.length);
      for (let n = from; n < to; n++) {
        const sum = (samples[n - begin] as number) + (word.pcm[n - first] as number);
        samples[n - begin] = Math.max(-32768, Math.min(32767, sum));
      }
    }
    return samples;
  }

  /** The word that was loudest in these samples by length of overlap, if any. */
  heardIn(begin: number, end: number): Utterance | undefined {
    let best: Utterance | undefined;
    let longest = 0;
    for (const word of this.spoken) {
      const first = this.sampleAt(word.at);
      const overlap = Math.min(end, first + word.pcm.length) - Math.max(begin, first);
      if (overlap > longest) {
        longest = overlap;
        best = word;
      }
    }
    return best;
  }

  /** Forgets words that ended before `instant`, so that a long run stays fast. */
  forgetBefore(instant: number): void {
    const kept = this.spoken.filter((word) => this.endOf(word) >= instant);
    this.spoken.splice(0, this.spoken.length, ...kept);
  }

  private endOf(word: Utterance): number {
    return word.at + (word.pcm.length * 1000) / this.rate;
  }
}
