import {
  type AdapterNotes,
  type AdapterSlots,
  freshNotes,
  NO_SLOT,
  type SavedAdapter,
  saveTo,
  versionsOf,
} from './adapter-slots.ts';
import type { LearningEngine } from './learning-engine.ts';

/** What a burst changes of the notes and `restore` brings back. */
type Score = Pick<AdapterNotes, 'bursts' | 'total' | 'before' | 'after'> & { changed: boolean };

export interface Place extends AdapterNotes {
  /** Loaded from or saved to last. */
  slot: number;
  /** It is not what that slot holds. */
  changed: boolean;
}

/** Outcome of a load: `older` took the version before a damaged one. */
export type Loaded =
  { outcome: 'ok' | 'older'; bytes: number } | { outcome: 'empty' | 'damaged' | 'mismatch' };

/**
 * Adapters in RAM as native/services/learner_places.c keeps them. The engine beside the official VM
 * has room for one: it holds that of the active place, and the others wait here as bytes.
 */
export class Places {
  active = 0;
  private readonly places: Place[];
  private readonly waiting: Uint8Array[];
  /** Place, adapter and score from before the last burst. */
  private before?: { place: number; adapter: Uint8Array; score: Score };

  constructor(private readonly engine: LearningEngine) {
    const count = engine.method === 'none' ? 1 : (engine.places ?? 1);
    const base = engine.saveAdapter();
    this.places = Array.from({ length: count }, freshPlace);
    this.waiting = Array.from({ length: count }, () => base);
  }

  get count(): number {
    return this.places.length;
  }

  /** undefined: there is no such place. */
  get(place: number): Place | undefined {
    return this.places[place];
  }

  private get present(): Place {
    return this.places[this.active] as Place;
  }

  /** Takes another place into use. */
  use(place: number): void {
    if (place === this.active) return;
    this.waiting[this.active] = this.engine.saveAdapter();
    this.active = place;
    this.engine.loadAdapter(this.waiting[place] as Uint8Array);
  }

  /** The adapter from before the last burst, when that was in the active place. */
  get adapterBefore(): Uint8Array | undefined {
    return this.before?.place === this.active ? this.before.adapter : undefined;
  }

  burstBegun(): void {
    const place = this.present;
    const { bursts, total, before, after, changed } = place;
    this.before = {
      place: this.active,
      adapter: this.engine.saveAdapter(),
      score: { bursts, total, before, after, changed },
    };
    place.bursts++;
    place.changed = true;
  }

  /** @returns false when there is nothing to go back to */
  undoBurst(): boolean {
    const adapter = this.adapterBefore;
    if (adapter === undefined) return false;
    this.engine.loadAdapter(adapter);
    Object.assign(this.present, this.before?.score);
    this.before = undefined;
    return true;
  }

  checked(total: number, before: number, after: number): void {
    Object.assign(this.present, { total, before, after });
  }

  /** The base model in the active place, which keeps its name and its slot. */
  reset(): void {
    if (this.engine.method === 'none') return;
    const { name, slot } = this.present;
    this.places[this.active] = { ...freshPlace(), name, slot, changed: true };
    this.engine.resetAdapter();
    this.replaced(this.active);
  }

  /** The base model in a place, without a name. */
  clear(place: number): void {
    const active = this.active;
    this.places[place] = freshPlace();
    this.use(place);
    this.engine.resetAdapter();
    this.use(active);
    this.replaced(place);
  }

  /** @returns bytes of the adapter */
  save(slots: AdapterSlots, slot: number): number {
    const blob = this.engine.saveAdapter();
    const { name, total, before, after, bursts, counter, source } = this.present;
    const notes = { name, total, before, after, bursts, counter, source };
    saveTo(slots, slot, { ...notes, blob, state: 'kept' });
    this.slotChanged(slot);
    Object.assign(this.present, { slot, changed: false });
    return blob.length;
  }

  load(slots: AdapterSlots, slot: number, place: number): Loaded {
    const versions = versionsOf(slots, slot);
    if (versions.length === 0) return { outcome: 'empty' };
    if (this.engine.method === 'none') return { outcome: 'mismatch' };
    for (const [back, version] of versions.entries()) {
      const outcome = this.take(version.blob, place);
      if (outcome === 'mismatch') return { outcome };
      if (outcome === 'damaged') continue;
      this.places[place] = placeOf(version, slot, back > 0);
      this.replaced(place);
      if (back === 0 && version.state === 'fresh') version.state = 'trial';
      return { outcome: back > 0 ? 'older' : 'ok', bytes: version.blob.length };
    }
    return { outcome: 'damaged' };
  }

  private take(blob: Uint8Array, place: number): 'ok' | 'damaged' | 'mismatch' {
    if (place === this.active) return this.engine.loadAdapter(blob);
    // the engine is the one that can tell whether the adapter fits
    const present = this.engine.saveAdapter();
    const outcome = this.engine.loadAdapter(blob);
    if (outcome === 'ok') this.waiting[place] = blob;
    this.engine.loadAdapter(present);
    return outcome;
  }

  /** What a slot held has changed: the places that have it are no longer what it holds. */
  slotChanged(slot: number): void {
    for (const place of this.places) if (place.slot === slot) place.changed = true;
  }

  /** Another adapter has come into a place: that from before the last burst is none of its past. */
  private replaced(place: number): void {
    if (this.before?.place === place) this.before = undefined;
  }
}

const freshPlace = (): Place => ({ ...freshNotes(), slot: NO_SLOT, changed: false });

function placeOf(version: SavedAdapter, slot: number, changed: boolean): Place {
  const { name, total, before, after, bursts, counter, source } = version;
  return { name, total, before, after, bursts, counter, source, slot, changed };
}
