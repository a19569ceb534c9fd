/** Places and slots beside the official VM: what flash may do to a saved adapter. */
import { describe, expect, it } from 'vitest';
import { type AdapterSlots, freshNotes, newestSlot, saveTo } from '../../sim/adapter-slots.ts';
import { Places } from '../../sim/learner-places.ts';
import { ScriptedEngine } from '../src/scripted-engine.ts';

/** An adapter is one byte here; 0xff is damaged, 0xee belongs to another model. */
class Engine extends ScriptedEngine {
  readonly places = 2;

  constructor() {
    super({ words: ['a', 'b'], losses: [1] });
  }

  override loadAdapter(bytes: Uint8Array): ReturnType<ScriptedEngine['loadAdapter']> {
    if (bytes[0] === 0xff) return 'damaged';
    if (bytes[0] === 0xee) return 'mismatch';
    return super.loadAdapter(bytes);
  }
}

const put = (slots: AdapterSlots, slot: number, byte: number, name = ''): void =>
  saveTo(slots, slot, { ...freshNotes(), name, blob: Uint8Array.of(byte), state: 'kept' });

describe('a slot', () => {
  it('keeps two versions, counts what was written and knows which slot was last', () => {
    const slots: AdapterSlots = new Map();
    expect(newestSlot(slots)).toBe(255);
    for (const byte of [1, 2, 3]) put(slots, 5, byte);
    put(slots, 2, 9);
    expect(slots.get(5)?.map(({ blob, saves }) => [blob[0], saves])).toEqual([
      [3, 3],
      [2, 2],
    ]);
    expect(newestSlot(slots)).toBe(2);
    put(slots, 5, 4);
    expect(newestSlot(slots)).toBe(5);
  });
});

describe('a place', () => {
  it('takes the version before a damaged one, and nothing of another model', () => {
    const slots: AdapterSlots = new Map();
    const engine = new Engine();
    const places = new Places(engine);
    put(slots, 0, 1, 'first');
    put(slots, 0, 0xff, 'second');
    expect(places.load(slots, 0, 1)).toEqual({ outcome: 'older', bytes: 1 });
    expect(places.get(1)).toMatchObject({ name: 'first', slot: 0, changed: true });
    put(slots, 1, 0xff);
    expect(places.load(slots, 1, 1)).toEqual({ outcome: 'damaged' });
    put(slots, 1, 0xee);
    expect(places.load(slots, 1, 1)).toEqual({ outcome: 'mismatch' });
    expect(places.load(slots, 3, 1)).toEqual({ outcome: 'empty' });
    expect(places.get(1)).toMatchObject({ name: 'first', slot: 0 });
    expect([...engine.saveAdapter()]).toEqual([0]); // the active place is as it was
    places.use(1);
    expect([...engine.saveAdapter()]).toEqual([1]);
  });

  it('puts what was installed on trial', () => {
    const slots: AdapterSlots = new Map();
    put(slots, 0, 7);
    for (const version of slots.get(0) ?? []) version.state = 'fresh';
    const places = new Places(new Engine());
    expect(places.load(slots, 0, 0)).toEqual({ outcome: 'ok', bytes: 1 });
    expect(slots.get(0)?.[0]?.state).toBe('trial');
  });

  it('knows when it is no longer what its slot holds', () => {
    const slots: AdapterSlots = new Map();
    const places = new Places(new Engine());
    places.save(slots, 3);
    expect(places.get(0)).toMatchObject({ slot: 3, changed: false });
    places.use(1);
    places.save(slots, 3);
    expect(places.get(0)).toMatchObject({ slot: 3, changed: true });
    expect(places.get(1)).toMatchObject({ slot: 3, changed: false });
    places.burstBegun();
    expect(places.get(1)).toMatchObject({ bursts: 1, changed: true });
    places.use(0);
    expect(places.undoBurst()).toBe(false);
    places.use(1);
    expect(places.undoBurst()).toBe(true);
    expect(places.get(1)).toMatchObject({ bursts: 0, changed: false });
  });
});
