/** native/store: what it does while nothing goes wrong, and at its limits. Cuts: cuts.test.ts. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ARENA_SIZE,
  ARGUMENT,
  BEHIND,
  CHECKSUM,
  content,
  EMPTY,
  FULL,
  OK,
  SECTOR,
  STATE,
  StoreBench,
} from './bench.ts';

const NO_SLOT = 255;
const ADAPTER = 0x100;
const SETTING = 0x1000;

let store: StoreBench;

beforeEach(async () => {
  store = await StoreBench.create();
  expect(store.start()).toBe(OK);
});

describe('records', () => {
  it('are none at first, and the mount writes nothing', () => {
    expect(store.get(ADAPTER)).toBe(EMPTY);
    expect(store.list()).toEqual([]);
    expect(store.newest()).toBe(NO_SLOT);
    expect(store.region().every((byte) => byte === 0xff)).toBe(true);
  });

  it('come back as they were put, after a reboot too', () => {
    const sizes = [0, 1, 39, 40, 41, 255, 256, 257, 4095, 4096, 4097, 9000];
    sizes.forEach((bytes, i) => {
      const whole = content(i, 1, bytes);
      const parts = [whole.subarray(0, 3), whole.subarray(3, 3), whole.subarray(3)];
      expect(store.put(SETTING + i, ...parts)).toBe(OK);
    });
    for (const reboots of [0, 1]) {
      if (reboots > 0) expect(store.start()).toBe(OK);
      sizes.forEach((bytes, i) => expect(store.get(SETTING + i)).toEqual(content(i, 1, bytes)));
      expect(store.list().map(({ key, bytes }) => [key - SETTING, bytes])).toEqual(
        sizes.map((bytes, i) => [i, bytes]),
      );
    }
  });

  it('have two versions; rolling back gives the one before, for good', () => {
    for (const version of [1, 2, 3]) expect(store.put(ADAPTER, content(1, version, 900))).toBe(OK);
    expect(store.version(ADAPTER, 1)).toEqual(content(1, 2, 900));
    expect(store.version(ADAPTER, 2)).toBe(EMPTY);
    expect(store.rollBack(ADAPTER)).toBe(OK);
    for (const reboots of [0, 1]) {
      if (reboots > 0) expect(store.start()).toBe(OK);
      expect(store.get(ADAPTER)).toEqual(content(1, 2, 900));
      expect(store.version(ADAPTER, 1)).toBe(EMPTY);
      expect(store.rollBack(ADAPTER)).toBe(EMPTY);
    }
    expect(store.put(ADAPTER, content(1, 4, 900))).toBe(OK);
    expect(store.version(ADAPTER, 1)).toEqual(content(1, 2, 900));
  });

  it('are gone when they are dropped, also after the log was written anew', () => {
    store.put(ADAPTER, content(1, 1, 900));
    store.put(ADAPTER, content(1, 2, 900));
    store.put(SETTING, content(2, 1, 8));
    expect(store.drop(ADAPTER)).toBe(OK);
    expect(store.drop(ADAPTER)).toBe(EMPTY);
    for (let i = 0; i < 200; i++) expect(store.put(SETTING, content(2, i, 8))).toBe(OK);
    expect(store.get(ADAPTER)).toBe(EMPTY);
    store.start();
    expect(store.get(ADAPTER)).toBe(EMPTY);
    expect(store.get(SETTING)).toEqual(content(2, 199, 8));
  });

  it('can be written again from where they lie in flash', () => {
    store.put(ADAPTER, content(1, 1, 4000));
    store.put(ADAPTER, content(1, 2, 4000));
    expect(store.copy(ADAPTER, 1, ADAPTER)).toBe(OK);
    expect(store.get(ADAPTER)).toEqual(content(1, 1, 4000));
    expect(store.version(ADAPTER, 1)).toEqual(content(1, 2, 4000));
    expect(store.copy(ADAPTER, 0, ADAPTER + 1)).toBe(OK);
    expect(store.get(ADAPTER + 1)).toEqual(content(1, 1, 4000));
  });

  it('say which adapter was written last', () => {
    for (const slot of [3, 0, 7]) store.put(ADAPTER + slot, content(slot, 1, 50));
    store.put(SETTING, content(0, 1, 50));
    expect(store.newest()).toBe(7);
    store.drop(ADAPTER + 7);
    expect(store.newest()).toBe(0);
  });

  it('have numbers that no other version ever has', () => {
    const seen = new Set<number>();
    for (let i = 0; i < 300; i++) {
      store.put(SETTING + (i % 3), content(1, i, 20 + (i % 40)));
      const [entry] = store.list().filter(({ key }) => key === SETTING + (i % 3));
      expect(seen.has(entry?.number ?? 0)).toBe(false);
      seen.add(entry?.number ?? 0);
      if (i % 7 === 0) store.rollBack(SETTING + (i % 3));
      if (i % 11 === 0) store.start();
    }
    expect(seen.size).toBe(300);
  });
});

describe('room', () => {
  it('refuses keys that are none, and boards without a region', async () => {
    expect(store.put(0, content(1, 1, 8))).toBe(ARGUMENT);
    expect(store.put(0xffff, content(1, 1, 8))).toBe(ARGUMENT);
    const small = await StoreBench.create(9);
    expect(small.start()).toBe(ARENA_SIZE);
    expect(small.put(SETTING, content(1, 1, 8))).toBe(STATE);
    expect(small.get(SETTING)).toBe(EMPTY);
    expect(small.staging().status).toBe(ARENA_SIZE);
  });

  it('is all of the payloads at first, and a record takes it whole', () => {
    const most = (64 - BEHIND) * SECTOR;
    expect(store.room()).toBe(most);
    expect(store.put(SETTING, content(1, 1, most + 1))).toBe(FULL);
    const whole = Buffer.alloc(most, 0x5a);
    expect(store.put(SETTING, whole)).toBe(OK);
    expect(store.room()).toBe(0);
    expect(store.put(SETTING + 1, content(1, 1, 41))).toBe(FULL);
    expect(store.put(SETTING + 1, content(1, 1, 40))).toBe(OK);
    expect(store.drop(SETTING)).toBe(OK);
    expect(store.room()).toBe(most);
  });

  it('ends at 44 versions, and everything that was there stays writable', () => {
    let keys = 0;
    while (store.put(SETTING + keys, content(keys, 1, 8)) === OK) keys++;
    expect(keys).toBe(44);
    for (let i = 0; i < 150; i++) expect(store.put(SETTING, content(0, i, 8))).toBe(OK);
    expect(store.version(SETTING, 1)).toBe(EMPTY);
    expect(store.put(SETTING + 44, content(1, 1, 8))).toBe(FULL);
    expect(store.drop(SETTING + 43)).toBe(OK);
    for (let i = 0; i < 150; i++) expect(store.put(SETTING, content(0, i, 8))).toBe(OK);
    expect(store.version(SETTING, 1)).toEqual(content(0, 148, 8));
    for (let key = 1; key < 43; key++) expect(store.get(SETTING + key)).toEqual(content(key, 1, 8));
    expect(store.stats()).toMatchObject({ records: 44, keys: 43 });
  });

  it('with a single free sector goes on, beside eight adapters of two versions', async () => {
    const tight = await StoreBench.create(17 + BEHIND);
    tight.start();
    for (let i = 0; i < 400; i++) {
      expect(tight.put(ADAPTER + (i % 8), content(i % 8, i, 4096))).toBe(OK);
    }
    for (let slot = 0; slot < 8; slot++) {
      expect(tight.get(ADAPTER + slot)).toEqual(content(slot, 392 + slot, 4096));
      expect(tight.version(ADAPTER + slot, 1)).toEqual(content(slot, 384 + slot, 4096));
    }
  });

  it('without a free sector takes that of the version which is pushed out', async () => {
    const tight = await StoreBench.create(2 + BEHIND);
    tight.start();
    for (let i = 0; i < 9; i++) expect(tight.put(ADAPTER, content(1, i, 4096))).toBe(OK);
    expect(tight.get(ADAPTER)).toEqual(content(1, 8, 4096));
    expect(tight.version(ADAPTER, 1)).toEqual(content(1, 7, 4096));
    expect(tight.put(ADAPTER + 1, content(1, 1, 100))).toBe(FULL);
    // the version that would be pushed out is what is to be written: nothing is lost
    expect(tight.copy(ADAPTER, 1, ADAPTER)).toBe(FULL);
    expect(tight.version(ADAPTER, 1)).toEqual(content(1, 7, 4096));
  });

  it('leaves the staging area to others', () => {
    const { status, offset, bytes } = store.staging();
    expect({ status, offset, bytes }).toEqual({
      status: OK,
      offset: 56 * SECTOR,
      bytes: 4 * SECTOR,
    });
    store.flash().fill(0xa5, offset, offset + bytes);
    for (let i = 0; i < 300; i++) store.put(ADAPTER + (i % 8), content(i % 8, i, 4096));
    expect(
      store
        .flash()
        .subarray(offset, offset + bytes)
        .every((byte) => byte === 0xa5),
    ).toBe(true);
  });
});

describe('damage at rest', () => {
  const flip = (at: number, bit: number): void => {
    store.flash()[at] = (store.flash()[at] ?? 0) ^ (1 << bit);
  };

  it('of a payload: the version before is given, and it outlives the damaged one', () => {
    store.put(ADAPTER, content(1, 1, 600));
    store.put(ADAPTER, content(1, 2, 600));
    const at = store.region().indexOf(content(1, 2, 600));
    flip(at + 300, 3);
    for (const reboots of [0, 1]) {
      if (reboots > 0) store.start();
      expect(store.version(ADAPTER, 0)).toBe(CHECKSUM);
      expect(store.get(ADAPTER)).toEqual(content(1, 1, 600));
    }
    store.put(ADAPTER, content(1, 3, 600));
    expect(store.get(ADAPTER)).toEqual(content(1, 3, 600));
    expect(store.version(ADAPTER, 1)).toEqual(content(1, 1, 600));
  });

  it('of every version is said', () => {
    store.put(ADAPTER, content(1, 1, 600));
    flip(store.region().indexOf(content(1, 1, 600)), 0);
    expect(store.get(ADAPTER)).toBe(CHECKSUM);
    expect(store.rollBack(ADAPTER)).toBe(EMPTY);
    expect(store.drop(ADAPTER)).toBe(OK);
    expect(store.get(ADAPTER)).toBe(EMPTY);
  });

  it('of any one bit of the log loses nothing at all', () => {
    store.put(ADAPTER, content(1, 1, 600));
    store.put(SETTING, content(2, 1, 40));
    store.put(SETTING, content(2, 2, 40));
    store.put(SETTING + 1, content(3, 1, 4));
    store.drop(SETTING + 1);
    const before = store.region();
    const log = (64 - 4) * SECTOR;
    const used = before.subarray(log).findLastIndex((byte) => byte !== 0xff) + 1;
    expect(used).toBeGreaterThan(6 * 64);
    for (let bit = 0; bit < 8 * used; bit += 3) {
      store.flash().set(before);
      flip(log + (bit >> 3), bit & 7);
      store.start();
      const all = [store.get(ADAPTER), store.get(SETTING), store.version(SETTING, 1)];
      expect(all).toEqual([content(1, 1, 600), content(2, 2, 40), content(2, 1, 40)]);
      expect(store.get(SETTING + 1)).toBe(EMPTY);
      // the next commit writes the log anew: then another bit may go
      if (bit % 31 === 0) {
        expect(store.put(SETTING + 2, content(4, 1, 9))).toBe(OK);
        store.start();
        expect(store.get(SETTING)).toEqual(content(2, 2, 40));
        expect(store.get(SETTING + 2)).toEqual(content(4, 1, 9));
        expect(store.stats().logErases).toBe(1);
      }
    }
  });
});

describe('sectors that change no more', () => {
  it('are retired and others taken', () => {
    for (const sector of [3, 4, 11]) store.call('test_stick', sector, 1);
    // stuck with something in them
    for (const sector of [3, 4]) store.flash().fill(0, sector * SECTOR, (sector + 1) * SECTOR);
    for (let i = 0; i < 120; i++) {
      expect(store.put(ADAPTER + (i % 8), content(i % 8, i, 4096))).toBe(OK);
      expect(store.get(ADAPTER + (i % 8))).toEqual(content(i % 8, i, 4096));
    }
    expect(store.stats().retiredSectors).toBe(3);
    store.start();
    expect(store.get(ADAPTER + 7)).toEqual(content(7, 119, 4096));
  });

  it('of the log are passed over, as long as two are left', () => {
    for (const sector of [61, 62]) store.call('test_stick', sector, 1);
    for (let i = 0; i < 500; i++) expect(store.put(SETTING, content(1, i, 30))).toBe(OK);
    store.start();
    expect(store.get(SETTING)).toEqual(content(1, 499, 30));
    store.call('test_stick', 60, 1);
    store.call('test_stick', 63, 1);
    let i = 500;
    while (store.put(SETTING, content(1, i, 30)) === OK) i++;
    for (const reboots of [0, 1]) {
      if (reboots > 0) expect(store.start()).toBe(OK);
      expect(store.get(SETTING)).toEqual(content(1, i - 1, 30));
    }
  });
});
