/** Something that was said, and when it began (milliseconds of virtual time). */
export interface Utterance {
  at: number;
  speaker: string;
  label: string;
  take: number;
  pcm: Int16Array;
}

/** A word and the number of its first sample. */
interface Placed {
  word: Utterance;
  first: number;
}

/** Capture looks at the sound in blocks of this length. */
export const BLOCK_MS = 20;
/** Steps of a 12-bit converter, as the chip's, in full scale of 16 bits. */
const STEP = 16;

/**
 * The sound around the board: words on a time line, silence between them. Samples are addressed by
 * their number since time 0.
 *
 * Words begin with a block, and whoever listens reads whole blocks: so every target cuts the same
 * windows from the same words, however long it takes to look at them.
 */
export class Microphone {
  private spoken: Placed[] = [];
  private readonly block: number;

  /** @param rate samples a second */
  constructor(readonly rate: number) {
    this.block = Math.max(1, Math.round((rate * BLOCK_MS) / 1000));
  }

  /** Plays a recording from `utterance.at`, or rather from the next block, on. */
  play(word: Utterance): void {
    const first = Math.ceil(this.sampleAt(word.at) / this.block) * this.block;
    this.spoken.push({ word, first });
  }

  /** Instant at which the last word ends, in milliseconds. */
  get busyUntil(): number {
    return this.spoken.reduce((latest, placed) => Math.max(latest, this.endOf(placed)), 0);
  }

  /** Number of the sample at an instant. */
  sampleAt(instant: number): number {
    return Math.floor((instant * this.rate) / 1000);
  }

  /** Number of the first sample of the block that an instant lies in. */
  blockAt(instant: number): number {
    return Math.floor(this.sampleAt(instant) / this.block) * this.block;
  }

  /**
   * Samples `begin` up to, not including, `end`. Overlapping words add up and saturate; what comes
   * out are values of a 12-bit converter.
   */
  read(begin: number, end: number): Int16Array {
    const samples = new Int16Array(Math.max(0, end - begin));
    const heard = this.spoken.filter((placed) => overlaps(placed, begin, end));
    for (const { word, first } of heard) {
      const from = Math.max(begin, first);
      const to = Math.min(end, first + word.pcm.length);
      for (let n = from; n < to; n++) {
        const sum = (samples[n - begin] as number) + (word.pcm[n - first] as number);
        samples[n - begin] = Math.max(-32768, Math.min(32767, sum));
      }
    }
    if (heard.length > 0) samples.forEach((sample, n) => (samples[n] = convert(sample)));
    return samples;
  }

  /** The word that was loudest in these samples by length of overlap, if any. */
  heardIn(begin: number, end: number): Utterance | undefined {
    let best: Utterance | undefined;
    let longest = 0;
    for (const { word, first } of this.spoken) {
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
    this.spoken = this.spoken.filter((placed) => this.endOf(placed) >= instant);
  }

  private endOf({ word, first }: Placed): number {
    return ((first + word.pcm.length) * 1000) / this.rate;
  }
}

function overlaps({ word, first }: Placed, begin: number, end: number): boolean {
  return first < end && first + word.pcm.length > begin;
}

/** The nearest value that the converter has. */
function convert(sample: number): number {
  return Math.min(32767 - (STEP - 1), Math.floor((sample + STEP / 2) / STEP) * STEP);
}
