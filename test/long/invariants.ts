/** What must hold however long a board runs and whatever happens to it. */
import type { Firmware } from '../../sim/firmware.ts';
import { StoreProbe } from './store-probe.ts';
import type { Summary } from './summary.ts';

/** Members of rt_heap_stats_t. */
const USED_BYTES = 1;
const STATS_WORDS = 6;
/** Measures adapters on the owner's held-out words. */
export interface Measure {
  /** Accuracy of the base model, 0..1. */
  readonly base: number;
  /** Words. */
  readonly count: number;
  accuracy: (blob: Uint8Array) => number;
}

/** What a script may hold more in one hour than in another: a queue, a promise under way. */
const HEAP_SLACK_BYTES = 1024;
/** Two versions each of two slots, of their state, and of the setting. */
const MOST_RECORDS = 10;

export class Invariants {
  /** What is in flash for certain; undefined: nothing was ever saved. */
  private committed?: Uint8Array;
  /** What the power cut may have let through: saved, but not reported. */
  private candidate?: Uint8Array;
  /** What the store still holds undamaged, once the newest adapter was damaged at rest. */
  private undamaged?: Uint8Array[];
  /** A delta that nobody has decided on: it may be in use after a boot, or what was there before. */
  private trial?: { delta: Uint8Array; before?: Uint8Array };
  private isBooting = false;
  /** Heap of the first hour of this power cycle. */
  private heapAtFirst?: number;

  constructor(
    private readonly judge: Measure,
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

  /** @param active the adapter that was in use, if the power was cut while flash was written */
  onPowerLost(active: Uint8Array | undefined): void {
    this.candidate = active;
  }

  /**
   * Bits of the newest adapter have changed at rest.
   * @param undamaged what else the store holds
   */
  onDamage(undamaged: Uint8Array[]): void {
    this.undamaged = undamaged;
  }

  /** A delta has been installed, or may have been when the power went. */
  onDelta({ blob }: { blob: Uint8Array }): void {
    const before = this.trial === undefined ? this.committed : this.trial.before;
    this.trial = { delta: blob, before };
  }

  /** It is kept. */
  onTrialEnds(): void {
    this.trial = undefined;
  }

  onSaved(active: Uint8Array): void {
    this.committed = active;
    this.undamaged = undefined;
    this.candidate = undefined;
    this.measure(active);
  }

  /** After a boot: what was loaded is what was saved last. */
  onLoaded(active: Uint8Array): void {
    this.summary.loads++;
    const good = [...(this.undamaged ?? [this.committed, this.candidate])];
    if (this.trial !== undefined) good.push(this.trial.delta, this.trial.before);
    if (this.isBooting && !good.some((adapter) => equal(active, adapter))) {
      this.broken('after a boot the adapter is not the one saved last');
    }
    this.undamaged = undefined;
    this.isBooting = false;
    this.committed = active;
    this.measure(active);
  }

  onBaseModel(active: Uint8Array): void {
    const isOnly = this.undamaged?.length === 0;
    const isBack = this.trial !== undefined && this.trial.before === undefined;
    if (this.committed !== undefined && !isOnly && !isBack) this.broken('a saved adapter is lost');
    if (isOnly || isBack) this.committed = undefined;
    this.undamaged = undefined;
    this.isBooting = false;
    this.measure(active);
  }

  everyHour(firmware: Firmware, active: Uint8Array): void {
    this.measure(active);
    this.measureHeap(firmware);
    this.measureStore(firmware);
  }

  private measureStore(firmware: Firmware): void {
    const { records, leastErases, mostErases, commits, retired } = new StoreProbe(firmware).stats();
    const { store, fills } = this.summary;
    Object.assign(store, { leastErases, mostErases, commits });
    if (retired > 0) this.broken(`${retired} sectors of a sound flash are retired`);
    if (fills > 0) return; // what fills it stays for a while
    store.records = Math.max(store.records, records);
    if (records > MOST_RECORDS) this.broken(`${records} records in the store`);
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
