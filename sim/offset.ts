/**
 * native/services/offset.c in TypeScript: takes the offset of a microphone away and notices a
 * converter that is stuck. See offset.h for what and why; same results, bit by bit.
 */
const LEAST = 96;
const LIMIT = 8192;
const FAR = 512;
/** Blocks of 20 ms. */
const SECOND = 50;

export class Offset {
  /** What was taken away from the last block. */
  applied = 0;
  isStuck = false;
  private estimate = 0;
  private farSum = 0;
  private farCount = 0;
  private same = 0;
  private value = 0;

  /** Looks at a block of 20 ms and takes the offset away from it. */
  take(samples: Int16Array): void {
    const mean = Math.trunc(samples.reduce((sum, sample) => sum + sample, 0) / samples.length);
    this.watchStuck(samples, mean);
    if (this.same === 0) {
      this.watchJump(mean);
      this.follow(mean);
    }
    this.applied = Math.abs(this.estimate) < LEAST ? 0 : this.estimate;
    if (this.applied === 0) return;
    samples.forEach((sample, n) => {
      samples[n] = Math.max(-32768, Math.min(32767, sample - this.applied));
    });
  }

  private watchStuck(samples: Int16Array, mean: number): void {
    const value = samples[0] as number;
    if (Math.abs(mean) <= LIMIT || samples.some((sample) => sample !== value)) this.same = 0;
    else if (this.same > 0 && this.value === value) this.same = Math.min(SECOND, this.same + 1);
    else this.same = 1;
    this.value = value;
    this.isStuck = this.same === SECOND;
  }

  private watchJump(mean: number): void {
    const distance = mean - this.estimate;
    const side = distance > FAR ? 1 : distance < -FAR ? -1 : 0;
    if (side === 0 || this.farCount * side < 0) this.farSum = this.farCount = 0;
    if (side === 0) return;
    this.farSum += mean;
    this.farCount += side;
    if (Math.abs(this.farCount) < SECOND) return;
    const found = Math.trunc(this.farSum / SECOND);
    if (Math.abs(found) <= LIMIT) this.estimate = found;
    this.farSum = this.farCount = 0;
  }

  private follow(mean: number): void {
    if (mean > this.estimate && this.estimate < LIMIT) this.estimate++;
    if (mean < this.estimate && this.estimate > -LIMIT) this.estimate--;
  }
}
