import { Random as Generator } from '../../sim/random.ts';

/**
 * Seeded random numbers for tests: the simulator's generator, with what tests draw from it. Golden
 * vectors depend on every method; change none of them.
 */
export class Random extends Generator {
  /** An integer in 0 .. 2^32 - 1. */
  u32(): number {
    return this.next();
  }

  /** An integer in low .. high, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** A uniform int8. */
  int8(): number {
    return (this.u32() >>> 24) - 128;
  }

  /** True once in n calls on average. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  /** One element of a list that is not empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** The upper byte of each number; the simulator's devices take the lower one. */
  override bytes(n: number): Uint8Array {
    return Uint8Array.from({ length: n }, () => this.u32() >>> 24);
  }

  /** Bell-shaped, mean 0, standard deviation about 1, within ±3.5: the sum of 12 uniform bytes. */
  bell(): number {
    let sum = 0;
    for (let i = 0; i < 12; i++) sum += this.u32() >>> 24;
    return (sum - 12 * 127.5) / 256;
  }
}
