/**
 * What goes wrong around a board in long runs: the microphone and its room. Everything is drawn from
 * seeds, and every sample is a function of its number, so that it can be read twice.
 */
import { BLOCK_MS, Microphone } from './microphone.ts';
import { Random } from './random.ts';

/** What is wrong with a microphone. */
export type SoundFault =
  /** The converter gives the same value for ever. */
  | { kind: 'stuck'; value: number }
  /** An open input: anything between the ends of the range. */
  | { kind: 'garbage' }
  /** A square wave of full scale, such as an amplifier makes that oscillates. */
  | { kind: 'square'; hertz: number }
  /** An amplifier with far too much gain: all that is heard hits the ends of the range. */
  | { kind: 'saturated'; gain: number }
  /** The converter delivers no samples at all. */
  | { kind: 'missing' }
  /** The middle of the signal is not the middle of the converter's range. */
  | { kind: 'offset'; value: number };

export const FAULT_KINDS = [
  'stuck',
  'garbage',
  'square',
  'saturated',
  'missing',
  'offset',
] as const satisfies readonly SoundFault['kind'][];

const FULL_SCALE = 32767;
/** Steps of a 12-bit converter. */
const STEP = 16;
/** Samples of noise that are drawn once; what is heard begins somewhere in them at every block. */
const NOISE_SAMPLES = 1 << 15;

/** A microphone that breaks, in a room that is never quite silent. */
export class FaultyMicrophone extends Microphone {
  fault?: SoundFault;
  private readonly noise: Float32Array;
  private readonly scaled = new Map<number, Int16Array>();
  private room?: Int16Array;

  /**
   * @param rate samples a second
   * @param seed of noise and garbage
   */
  constructor(
    rate: number,
    private readonly seed: number,
  ) {
    super(rate);
    this.noise = drawNoise(new Random(seed));
  }

  /** Level of the room's noise from now on, in dB below full scale; undefined: silence. */
  setNoise(level: number | undefined): void {
    this.room = level === undefined ? undefined : this.noiseOf(level);
  }

  override read(begin: number, end: number): Int16Array {
    const samples = super.read(begin, end);
    if (this.room !== undefined) this.addNoise(samples, begin, this.room);
    return this.fault === undefined ? samples : this.distort(samples, begin, this.fault);
  }

  private distort(samples: Int16Array, begin: number, fault: SoundFault): Int16Array {
    switch (fault.kind) {
      case 'missing':
        return new Int16Array(0);
      case 'stuck':
        return samples.fill(onGrid(fault.value));
      case 'garbage':
        return samples.map((_, n) => onGrid((hash(begin + n, this.seed) & 0xffff) - 32768));
      case 'square': {
        const half = this.rate / (2 * fault.hertz);
        return samples.map((_, n) =>
          onGrid(Math.floor((begin + n) / half) % 2 === 0 ? FULL_SCALE : -32768),
        );
      }
      case 'saturated':
        return samples.map((sample) => onGrid(sample * fault.gain));
      case 'offset':
        return samples.map((sample) => onGrid(sample + fault.value));
    }
  }

  private addNoise(samples: Int16Array, begin: number, noise: Int16Array): void {
    const block = (this.rate * BLOCK_MS) / 1000;
    for (let n = 0; n < samples.length;) {
      const number = Math.floor((begin + n) / block);
      const within = begin + n - number * block;
      const count = Math.min(samples.length - n, block - within);
      const from = (hash(number, this.seed) % (NOISE_SAMPLES - block)) + within;
      for (let i = 0; i < count; i++, n++) {
        const sum = (samples[n] as number) + (noise[from + i] as number);
        samples[n] = Math.max(-32768, Math.min(FULL_SCALE - STEP + 1, sum));
      }
    }
  }

  private noiseOf(level: number): Int16Array {
    let scaled = this.scaled.get(level);
    if (scaled === undefined) {
      const size = 32768 * 10 ** (level / 20);
      scaled = Int16Array.from(this.noise, (x) => onGrid(x * size));
      this.scaled.set(level, scaled);
    }
    return scaled;
  }
}

/** Near enough to a normal distribution of deviation 1. */
function drawNoise(random: Random): Float32Array {
  return Float32Array.from({ length: NOISE_SAMPLES }, () => {
    let sum = 0;
    for (let i = 0; i < 12; i++) sum += random.next() / 2 ** 32;
    return sum - 6;
  });
}

/** The nearest value that a 12-bit converter has. */
function onGrid(value: number): number {
  const nearest = Math.round(value / STEP) * STEP;
  return Math.max(-32768, Math.min(FULL_SCALE - STEP + 1, nearest));
}

/** 32 bits that look random, the same for the same number (murmur3's finaliser, public domain). */
function hash(number: number, seed: number): number {
  let x = (number ^ Math.imul(seed, 0x9e3779b1)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
