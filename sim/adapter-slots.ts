/**
 * The flash of the learner's twin: slots of saved adapters with what native/store/adapter_record.h
 * keeps beside them. The order of the map is that of writing: the slot written last comes last.
 */

/** Versions of a slot that can be read: the newest and the one before it. */
export const VERSIONS = 2;
/** RT_STORE_NO_SLOT */
export const NO_SLOT = 255;

export const SOURCES = ['trained', 'delta'] as const;
export const STATES = ['kept', 'fresh', 'trial'] as const;

/** What the last check of an adapter found, and how often it was trained. */
export interface AdapterNotes {
  /** At most 24 bytes of UTF-8. */
  name: string;
  /** Windows held out, and how many were right before the last burst and after it. */
  total: number;
  before: number;
  after: number;
  bursts: number;
  /** Of the delta it came from, 0 for none. */
  counter: number;
  source: (typeof SOURCES)[number];
}

export interface SavedAdapter extends AdapterNotes {
  blob: Uint8Array;
  /** Writes to this slot so far. */
  saves: number;
  state: (typeof STATES)[number];
}

/** Versions by slot, the newest first. */
export type AdapterSlots = Map<number, SavedAdapter[]>;

export const freshNotes = (): AdapterNotes => ({
  name: '',
  total: 0,
  before: 0,
  after: 0,
  bursts: 0,
  counter: 0,
  source: 'trained',
});

/** What the slot holds, newest first; empty when there is nothing. */
export const versionsOf = (slots: AdapterSlots, slot: number): SavedAdapter[] =>
  slots.get(slot) ?? [];

/** Writes a new version, which is `saves` of the one before and one. */
export function saveTo(
  slots: AdapterSlots,
  slot: number,
  adapter: Omit<SavedAdapter, 'saves'>,
): void {
  const versions = versionsOf(slots, slot);
  const saves = (versions[0]?.saves ?? 0) + 1;
  slots.delete(slot);
  slots.set(slot, [{ ...adapter, saves }, ...versions].slice(0, VERSIONS));
}

/** @returns false when there is no version before the newest, which then stays */
export function rollBack(slots: AdapterSlots, slot: number): boolean {
  const versions = versionsOf(slots, slot);
  if (versions.length < 2) return false;
  slots.set(slot, versions.slice(1));
  return true;
}

export const newestSlot = (slots: AdapterSlots): number => [...slots.keys()].at(-1) ?? NO_SLOT;
