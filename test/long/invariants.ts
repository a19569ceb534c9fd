/** What must hold however long a board runs and whatever happens to it. */
import type { Firmware } from '../../sim/firmware.ts';
import type { Judge } from './people.ts';
import type { Summary } from './summary.ts';

/** Members of rt_heap_stats_t. */
const USED_BYTES = 1;
const STATS_WORDS = 6;
/** What a script may hold more in one hour than in another: a queue, a promise under way. */
const HEAP_SLACK_BYTES = 1024;

export class Invariants {
  /** What is in flash for certain; undefined: nothing was ever saved. */
  private committed?: Uint8Array;
  /** What the power cut may have let through: saved, but not reported. */
  private candidate?: Uint8Array;
  private isBooting = false;
  /** Heap of the first hour of this power cycle. */
  private heapAtFirst?: number;

  constructor(
    private readonly judge: Judge,
    private readonly summary: Summary,
    private readonly onBroken: (what: string) => void,
  ) {
    summary.accuracy.base = judge.base;
  }

  get words(): number {
    return this.judge.count;
  }

  broken(what: string): void {
    this.summary.broken.push(what);
    this.onBroken(what);
  }

  onBoot(): void {
    this.isBooting = true;
    this.heapAtFirst = undefined;
  }

  onPowerLost(active: Uint8Array): void {
    this.candidate = active;
  }

  onSaved(active: Uint8Array): void {
    this.committed = active;
    this.candidate = undefined;
    this.measure(active);
  }

  /** After a boot: what was loaded is what was saved last. */
  onLoaded(active: Uint8Array): void {
    this.summary.loads++;
    if (this.isBooting && !equal(active, this.committed) && !equal(active, this.candidate)) {
      this.broken('after a boot the adapter is not the one saved last');
    }
    this.isBooting = false;
    this.committed = active;
    this.measure(active);
  }

  onBaseModel(active: Uint8Array): void {
    if (this.committed !== undefined) this.broken('a saved adapter is lost');
    this.isBooting = false;
    this.measure(active);
  }

  everyHour(firmware: Firmware, active: Uint8Array): void {
    this.measure(active);
    this.measureHeap(firmware);
  }

  private measure(active: Uint8Array): void {
    const { accuracy } = this.summary;
    const now = this.judge.accuracy(active);
    accuracy.least = Math.min(accuracy.least, now);
    accuracy.most = Math.max(accuracy.most, now);
    accuracy.last = now;
    if (now < accuracy.base) {
      const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
      this.broken(`accuracy ${percent(now)} is below ${percent(accuracy.base)} of the base model`);
    }
  }

  /** What is left after a collection. */
  private measureHeap(firmware: Firmware): void {
    const at = firmware.allocate(4 * STATS_WORDS);
    firmware.call('rt_heap_collect');
    firmware.call('rt_heap_stats', at);
    const used = firmware.u32(at, STATS_WORDS)[USED_BYTES] as number;
    const { heap } = this.summary;
    this.heapAtFirst ??= used;
    heap.least = Math.min(heap.least, used);
    heap.most = Math.max(heap.most, used);
    heap.growth = Math.max(heap.growth, used - this.heapAtFirst);
    if (used > this.heapAtFirst + HEAP_SLACK_BYTES) {
      this.broken(`the script holds ${used} bytes, ${this.heapAtFirst} an hour after boot`);
    }
  }
}

function equal(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0;
}
