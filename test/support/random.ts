/**
 * Seeded random numbers for tests: the same sequence on every machine, from integer arithmetic only.
 * The generator is mulberry32 (public domain): a 32-bit counter and a mixing function.
 */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  /** An integer in 0 .. 2^32 - 1. */
  u32(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** An integer in 0 .. n - 1, for n up to 2^21 (the scaling is exact in a double). */
  below(n: number): number {
    return Math.floor((this.u32() * n) / 0x100000000);
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

  bytes(n: number): Uint8Array {
    return Uint8Array.from({ length: n }, () => this.u32() >>> 24);
  }

  /** Bell-shaped, mean 0, standard deviation about 1, within ±3.5: the sum of 12 uniform bytes. */
  bell(): number {
    let sum = 0;
    for (let i = 0; i < 12; i++) sum += this.u32() >>> 24;
    return (sum - 12 * 127.5) / 256;
  }
}
