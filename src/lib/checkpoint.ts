/**
 * Checkpoint policy: when an adapter is worth a flash write, into which slot, and which slot to load
 * at boot. Writes go round the slots and never to the one that holds the last good adapter, so a
 * power cut in the middle of a write leaves a good one behind. Only when the others fail, the store
 * being full for example, that one is written too: the store keeps its content until the new one is
 * complete.
 */

export interface CheckpointOptions {
  /** Flash slots that may be used, 2 or more, numbered from 0; default 2. */
  slots?: number;
  /** Gain in score that is worth a write, 0 or more; default 0. */
  minGain?: number;
  /** Time between two writes at least, in ms (flash wears out); default 60000. */
  minIntervalMs?: number;
}

export const NO_SLOT = 255;
/** After so many failures in a row the wait grows no more. */
const MOST_DOUBLINGS = 11;

export class Checkpoint {
  private readonly slots: number;
  private readonly minGain: number;
  private readonly minIntervalMs: number;
  private goodSlot = NO_SLOT;
  private triedSlot = NO_SLOT;
  private triedAtMs = 0;
  private everTried = false;
  private pendingGain = 0;
  private failures = 0;

  constructor(options: CheckpointOptions) {
    this.slots = options.slots ?? 2;
    this.minGain = options.minGain ?? 0;
    this.minIntervalMs = options.minIntervalMs ?? 60000;
  }

  /** Notes that the adapter in RAM has become better than the saved one, by this much. */
  improved(gain: number): void {
    this.pendingGain += gain;
  }

  /** Whether to write now. @param nowMs any clock that only goes forward, in ms */
  due(nowMs: number): boolean {
    if (this.pendingGain <= this.minGain) return false;
    return !this.everTried || nowMs - this.triedAtMs >= this.waitMs();
  }

  /** The slot for the next write: the one after the last, but not the last good one if it can be. */
  slotToWrite(): number {
    if (this.triedSlot === NO_SLOT) return 0;
    const next = (this.triedSlot + 1) % this.slots;
    return next === this.goodSlot && this.failures === 0 ? (next + 1) % this.slots : next;
  }

  /** A write succeeded: this slot is the last good one now. */
  saved(slot: number, nowMs: number): void {
    this.tried(slot, nowMs);
    this.goodSlot = slot;
    this.pendingGain = 0;
    this.failures = 0;
  }

  /**
   * A write failed: the next attempt waits as after a write, twice as long after each further
   * failure, and takes another slot.
   */
  failed(slot: number, nowMs: number): void {
    this.tried(slot, nowMs);
    this.failures++;
  }

  /** Slots in the order to try at boot: the newest, then backwards round the ring. */
  bootOrder(newest: number): number[] {
    const order: number[] = [];
    const first = newest < this.slots ? newest : 0;
    for (let i = 0; i < this.slots; i++) order.push((first - i + this.slots) % this.slots);
    return order;
  }

  /** A slot was loaded at boot and holds a good adapter: the next write goes elsewhere. */
  loaded(slot: number): void {
    this.goodSlot = slot;
    this.triedSlot = slot;
    this.pendingGain = 0;
  }

  lastGood(): number {
    return this.goodSlot;
  }

  private waitMs(): number {
    let waitMs = this.minIntervalMs;
    for (let i = 1; i < this.failures && i < MOST_DOUBLINGS; i++) waitMs *= 2;
    return waitMs;
  }

  private tried(slot: number, nowMs: number): void {
    this.triedSlot = slot;
    this.triedAtMs = nowMs;
    this.everTried = true;
  }
}

/**
 * Loads the first slot that `load` accepts.
 * @returns the slot, or NO_SLOT when none is good and the base model is what there is
 */
export async function loadNewest(
  checkpoint: Checkpoint,
  newest: number,
  load: (slot: number) => Promise<boolean>,
): Promise<number> {
  const order = checkpoint.bootOrder(newest);
  for (let i = 0; i < order.length; i++) {
    const slot = order[i] as number;
    if (await load(slot)) {
      checkpoint.loaded(slot);
      return slot;
    }
  }
  return NO_SLOT;
}
