/** native/store/delta_*.c: what is refused and why, what becomes of what is taken, power cuts. */
import { beforeAll, describe, expect, it } from 'vitest';
import { blobCrc, writeBlob } from '../../fleet/blob.ts';
import { packDelta, type PackOptions, signDelta } from '../../fleet/delta.ts';
import { owner, RFC_PUBLIC } from '../fleet/golden.ts';
import { ANY_SLOT, Board, sha, type Version } from './board.ts';
import { newKeys } from './ed25519-module.ts';

const kind = { method: 2, rank: 8, modelHash: 0x12345678, layoutHash: 0x9abcdef0 };
const PAYLOAD_BYTES = 3934;
const DEVICE = 0xefcdab8967452301n; // bytes 01 23 45 67 89 ab cd ef
const SLOT = 3;

const settings = {
  ...kind,
  payloadBytes: PAYLOAD_BYTES,
  device: DEVICE,
  owner: Uint8Array.from(Buffer.from(RFC_PUBLIC, 'hex')),
};

/** Adapters with values around 0, different for each seed. */
function adapter(seed: number): Uint8Array {
  const payload = Uint8Array.from({ length: PAYLOAD_BYTES }, (_, i) => {
    const noise = Math.imul(i * 31 + seed, 0x9e3779b1) >>> 24;
    return i === 0 ? 5 : (noise & 15) - 8;
  });
  return writeBlob({ ...kind, payload });
}

const own = adapter(1);
const first = adapter(2);
const second = adapter(3);

function deltaOf(
  blob: Uint8Array,
  options: Partial<PackOptions> & { counter: number },
): Uint8Array {
  return signDelta(packDelta(blob, 'test', { coding: 'entropy', ...options }), 'test', owner);
}

/** The file with some bytes changed, signed anew. */
function forged(file: Uint8Array, at: number, ...bytes: number[]): Uint8Array {
  const changed = Uint8Array.from(file);
  changed.set(bytes, at);
  return signDelta(changed, 'test', owner);
}

async function boardWithOwn(): Promise<Board> {
  const board = await Board.create(settings);
  board.save(SLOT, own);
  return board;
}

const holds = (version: Version | undefined, blob: Uint8Array): boolean =>
  version !== undefined && Buffer.from(version.blob).equals(blob);

let board: Board;

beforeAll(async () => {
  board = await boardWithOwn();
});

describe('a delta that is taken', () => {
  it.each(['raw', 'sparse', 'entropy'] as const)('is fresh, on trial, kept: %s', async (coding) => {
    const one = await boardWithOwn();
    expect(one.install(deltaOf(first, { counter: 7, coding, name: 'Zoë' }), SLOT)).toBe(SLOT);
    expect(one.version(SLOT)).toEqual({
      state: 'fresh',
      blob: first,
      counter: 7,
      isDelta: true,
      name: 'Zoë',
    });
    expect(one.version(SLOT, 1)?.blob).toEqual(own);
    expect(one.counter).toBe(7);
    expect(one.reboot().version(SLOT)?.state).toBe('trial');
    expect(one.confirm(SLOT)).toBe('ok');
    expect(one.confirm(SLOT)).toBe('nothingOnTrial');
    for (let boot = 0; boot < 3; boot++) {
      expect(one.reboot().version(SLOT)).toMatchObject({ state: 'kept', counter: 7, blob: first });
      expect(one.reverted).toBe(0);
    }
  });

  it('may be the difference to what the slot holds, also to the version before', async () => {
    const one = await boardWithOwn();
    const delta = deltaOf(first, { counter: 1, base: own });
    expect(delta.length).toBeLessThan(deltaOf(first, { counter: 1 }).length + 200);
    expect(one.install(delta, SLOT)).toBe(SLOT);
    expect(one.version(SLOT)?.blob).toEqual(first);
    expect(one.install(deltaOf(second, { counter: 2, base: own }), SLOT)).toBe(SLOT);
    expect(one.version(SLOT)?.blob).toEqual(second);
  });

  it('keeps the name of the slot when it has none, and goes where the file says', async () => {
    const one = await boardWithOwn();
    expect(one.install(deltaOf(first, { counter: 1, slot: SLOT }))).toBe(SLOT);
    expect(one.version(SLOT)?.name).toBe('own');
    expect(one.install(deltaOf(first, { counter: 2, slot: 6 }), 6)).toBe(6);
    expect(one.version(6)?.name).toBe('');
  });

  it('is taken back at the second start without a confirmation', async () => {
    const one = await boardWithOwn();
    one.install(deltaOf(first, { counter: 9 }), SLOT);
    one.reboot();
    expect(one.reverted).toBe(0);
    one.reboot();
    expect(one.reverted).toBe(1 << SLOT);
    expect(one.version(SLOT)).toMatchObject({ state: 'kept', blob: own, isDelta: false });
    expect(one.version(SLOT, 1)).toBeUndefined();
    expect(one.counter).toBe(9);
    one.reboot();
    expect(one.reverted).toBe(0);
    expect(one.version(SLOT)?.blob).toEqual(own);
    expect(one.install(deltaOf(first, { counter: 9 }), SLOT)).toBe('oldCounter');
  });

  it('taken back from a slot that was empty leaves it empty', async () => {
    const one = await boardWithOwn();
    one.install(deltaOf(first, { counter: 9 }), 0);
    one.reboot().reboot();
    expect(one.version(0)).toBeUndefined();
    expect(one.revert(0)).toBe('emptySlot');
    expect(one.counter).toBe(9);
  });

  it('can be taken back by the script, and leads back to a delta that was kept', async () => {
    const one = await boardWithOwn();
    one.install(deltaOf(first, { counter: 1 }), SLOT);
    one.confirm(SLOT);
    one.install(deltaOf(second, { counter: 2 }), SLOT);
    expect(one.revert(SLOT)).toBe('ok');
    expect(one.version(SLOT)).toMatchObject({ state: 'kept', blob: first, counter: 1 });
    expect(one.revert(SLOT)).toBe('nothingOnTrial');
    expect(one.revert(8)).toBe('badSlot');
    one.reboot().reboot();
    expect(one.version(SLOT)).toMatchObject({ state: 'kept', blob: first });
    expect(one.counter).toBe(2);
  });

  it('takes the place of one that nobody has confirmed', async () => {
    const one = await boardWithOwn();
    one.install(deltaOf(first, { counter: 1 }), SLOT);
    one.install(deltaOf(second, { counter: 2 }), SLOT);
    expect(one.version(SLOT)).toMatchObject({ state: 'fresh', blob: second });
    one.reboot().reboot();
    expect(one.version(SLOT)).toMatchObject({ state: 'kept', blob: own });
  });
});

describe('a delta that is refused', () => {
  const good = deltaOf(first, { counter: 50 });
  const stranger = newKeys().privateKey;
  const other = (changed: Partial<typeof kind>): Uint8Array => {
    const payload = first.slice(24);
    return deltaOf(writeBlob({ ...kind, ...changed, payload }), { counter: 50 });
  };
  const coded = deltaOf(first, { counter: 50, coding: 'sparse' });
  const cases: [string, Uint8Array, string, number?][] = [
    ['signed by a stranger', signDelta(good, 'test', stranger), 'badSignature'],
    ['with a bit of its payload changed', flipped(good, 100), 'badSignature'],
    ['with a bit of its counter changed', flipped(good, 21), 'badSignature'],
    ['with a bit of its signature changed', flipped(good, good.length - 1), 'badSignature'],
    ['of another model', other({ modelHash: 3 }), 'wrongModel'],
    ['of another layout', other({ layoutHash: 3 }), 'wrongLayout'],
    ['of another method', other({ method: 1 }), 'wrongLayout'],
    ['of another rank', other({ rank: 4 }), 'wrongLayout'],
    [
      'for another device',
      deltaOf(first, { counter: 50, device: '0123456789abcdee' }),
      'wrongDevice',
    ],
    ['with the present counter', deltaOf(first, { counter: 20 }), 'oldCounter'],
    ['with an older counter', deltaOf(first, { counter: 19 }), 'oldCounter'],
    ['for another slot', deltaOf(first, { counter: 50, slot: 2 }), 'badSlot'],
    ['for no slot', good, 'badSlot', ANY_SLOT],
    ['for a slot that there is not', good, 'badSlot', 8],
    ['to a base that is not there', deltaOf(first, { counter: 50, base: second }), 'wrongBase'],
    ['with a coding that is none', forged(coded, 48, 129), 'badCoding'],
    ['with a stream that does not end', forged(good, 60, 1, 2, 3), 'badCoding'],
    ['with another checksum', forged(good, 44, 1), 'badAdapter'],
    ['with an exponent out of range', badExponent(), 'badAdapter'],
    ['cut off', good.slice(0, -1), 'truncated'],
    ['with a byte more', Uint8Array.from([...good, 0]), 'truncated'],
    ['empty but for zeros', new Uint8Array(300), 'notADelta'],
    ['of another version', forgedBytes(good, 4, 2), 'notADelta'],
    ['too large to be decoded', forgedBytes(good, 42, 1), 'tooLarge'],
  ];

  function flipped(file: Uint8Array, at: number): Uint8Array {
    const changed = Uint8Array.from(file);
    changed[at]! ^= 16;
    return changed;
  }

  function forgedBytes(file: Uint8Array, at: number, byte: number): Uint8Array {
    const changed = Uint8Array.from(file);
    changed[at] = byte;
    return changed;
  }

  function badExponent(): Uint8Array {
    const payload = first.slice(24);
    payload[0] = 25;
    return deltaOf(writeBlob({ ...kind, payload }), { counter: 50 });
  }

  it.each(cases)('%s', async (_, file, status, slot = SLOT) => {
    const one = await boardWithOwn();
    one.install(deltaOf(second, { counter: 20 }), 0);
    one.confirm(0);
    expect(one.install(file, slot)).toBe(status);
    for (let boot = 0; boot < 2; boot++) {
      expect(one.version(SLOT)).toMatchObject({ state: 'kept', blob: own, isDelta: false });
      expect(one.version(SLOT, 1)).toBeUndefined();
      expect(one.version(0)).toMatchObject({ state: 'kept', blob: second });
      expect([1, 2, 4, 5, 6, 7].map((slot) => one.version(slot))).toEqual(Array(6).fill(undefined));
      expect(one.counter).toBe(20);
      expect(one.received).toBe(0);
      one.reboot();
    }
    // and what is good is taken after it
    expect(one.install(good, SLOT)).toBe(SLOT);
  });

  it('by a board without an owner, whatever it is', async () => {
    const one = await Board.create({ ...settings, owner: undefined });
    expect(one.install(good, SLOT)).toBe('unclaimed');
    expect(one.install(new Uint8Array(300), SLOT)).toBe('notADelta');
    expect(one.version(SLOT)).toBeUndefined();
  });

  it('when it is played again, also after its slot was given up', async () => {
    const one = await boardWithOwn();
    expect(one.install(good, SLOT)).toBe(SLOT);
    expect(one.install(good, SLOT)).toBe('oldCounter');
    one.revert(SLOT);
    expect(one.install(good, SLOT)).toBe('oldCounter');
    one.reboot();
    expect(one.install(good, SLOT)).toBe('oldCounter');
    expect(one.install(deltaOf(first, { counter: 51 }), SLOT)).toBe(SLOT);
  });

  it('when it is played again after its slot was dropped', async () => {
    const one = await boardWithOwn();
    expect(one.install(good, SLOT)).toBe(SLOT);
    one.drop(SLOT);
    expect(one.reboot().install(good, SLOT)).toBe('oldCounter');
  });

  it('at the device that the file is for it is taken', () => {
    const file = deltaOf(first, { counter: 60, device: '0123456789abcdef' });
    expect(board.install(file, SLOT)).toBe(SLOT);
    expect(board.revert(SLOT)).toBe('ok');
  });
});

describe('a transfer', () => {
  const file = deltaOf(first, { counter: 1, coding: 'raw' });

  it('takes pieces in their order only, of any size', async () => {
    const one = await boardWithOwn();
    expect(one.data(0, file.slice(0, 10)).status).toBe('notBegun');
    expect(one.finish(SLOT)).toBe('notBegun');
    expect(one.begin(file)).toEqual({ status: 'ok', offset: 0 });
    expect(one.data(0, file.slice(0, 100))).toEqual({ status: 'ok', offset: 100 });
    expect(one.data(0, file.slice(0, 100))).toEqual({ status: 'wrongOffset', offset: 100 });
    expect(one.data(101, file.slice(101, 200))).toEqual({ status: 'wrongOffset', offset: 100 });
    expect(one.finish(SLOT)).toBe('truncated');
    expect(one.begin(file)).toEqual({ status: 'ok', offset: 100 });
    for (const piece of [1, 223, 224, 7, 130]) {
      const at = one.received;
      expect(one.data(at, file.slice(at, at + piece))).toEqual({
        status: 'ok',
        offset: at + piece,
      });
    }
    const tail = file.slice(file.length - 10);
    expect(one.data(one.received, Uint8Array.from([...file, ...tail])).status).toBe('tooLarge');
    expect(one.install(file, SLOT)).toBe(SLOT);
  });

  it('is refused when it is larger than the staging area, or empty', async () => {
    const one = await boardWithOwn();
    const { length } = new Uint8Array(12 * 1024 + 1);
    expect(one.begin(new Uint8Array(length)).status).toBe('tooLarge');
    expect(one.begin(new Uint8Array(0)).status).toBe('notADelta');
    expect(one.begin(new Uint8Array(length - 1)).status).toBe('ok');
  });

  it('of other bytes than were announced is refused', async () => {
    const one = await boardWithOwn();
    const other = deltaOf(second, { counter: 1, coding: 'raw' });
    one.begin(file, sha(other));
    for (let at = 0; at < file.length; at += 224) one.data(at, file.slice(at, at + 224));
    expect(one.finish(SLOT)).toBe('wrongHash');
    expect(one.received).toBe(0);
    expect(one.version(SLOT)?.blob).toEqual(own);
  });

  it('goes on after a reset where it was, but for part of a page', async () => {
    const one = await boardWithOwn();
    one.begin(file);
    for (let at = 0; at < 2240; at += 224) one.data(at, file.slice(at, at + 224));
    one.reboot();
    expect(one.data(2240, file.slice(2240, 2300)).status).toBe('notBegun');
    const { status, offset } = one.begin(file);
    expect(status).toBe('ok');
    expect(offset).toBeGreaterThan(2240 - 2 * 256);
    expect(offset).toBeLessThanOrEqual(2240);
    expect(one.install(file, SLOT)).toBe(SLOT);
    expect(one.version(SLOT)?.blob).toEqual(first);
  });

  it('begins a sector anew when the flash has kept something, and gives up the second time', async () => {
    for (const damages of [1, 2]) {
      const one = await boardWithOwn();
      one.begin(file);
      const next = (): string => {
        const at = one.received;
        return one.data(at, file.slice(at, at + 224)).status;
      };
      for (let damage = 0; damage < damages; damage++) {
        expect(next()).toBe('ok');
        one.spoil(file.slice(0, 224), 300);
        expect(next()).toBe(damage === 0 ? 'wrongOffset' : 'flashFailed');
        expect(one.received).toBe(0);
      }
      expect(one.install(file, SLOT)).toBe(SLOT);
      expect(one.version(SLOT)?.blob).toEqual(first);
    }
  });

  it('of another file that the power cut short leaves nothing to go on with', async () => {
    const other = deltaOf(second, { counter: 1, coding: 'raw' });
    for (let nth = 1; nth <= 4; nth++) {
      for (const how of [0, 1, 2, 3]) {
        const one = await boardWithOwn();
        one.begin(file);
        for (let at = 0; at < 2240; at += 224) one.data(at, file.slice(at, at + 224));
        one.cutAt(nth, how);
        one.survives(() => one.begin(other));
        expect(one.install(file, SLOT), `cut ${nth}/${how}`).toBe(SLOT);
      }
    }
  });

  it('of another file begins anew', async () => {
    const one = await boardWithOwn();
    const other = deltaOf(second, { counter: 1, coding: 'raw' });
    one.begin(file);
    one.data(0, file.slice(0, 224));
    expect(one.begin(other)).toEqual({ status: 'ok', offset: 0 });
    expect(one.install(other, SLOT)).toBe(SLOT);
    expect(one.version(SLOT)?.blob).toEqual(second);
  });
});

describe('a power cut', () => {
  const file = deltaOf(first, { counter: 5, base: own, name: 'first' });
  const tries = (one: Board): void => {
    for (let n = 0; n < 3 && one.install(file, SLOT) !== SLOT; n++) {
      if (one.version(SLOT)?.counter === 5) return; // it was in already
    }
  };

  /** Operations of the flash that `work` takes. */
  async function count(prepare: (one: Board) => void, work: (one: Board) => void): Promise<number> {
    const one = await boardWithOwn();
    prepare(one);
    one.cutAt(0);
    work(one);
    return one.operations;
  }

  it('at any moment of transfer and installation leaves the old adapter or the new one', async () => {
    const total = await count(() => undefined, tries);
    expect(total).toBeGreaterThan(40);
    let cuts = 0;
    for (let nth = 1; nth <= total; nth++) {
      for (const how of [0, 1, 2, 3]) {
        const one = await boardWithOwn();
        one.cutAt(nth, how);
        expect(one.survives(() => tries(one))).toBe(false);
        cuts++;
        const newest = one.version(SLOT);
        const label = `cut ${nth}/${how}`;
        if (newest?.isDelta === true) {
          expect(newest, label).toMatchObject({ state: 'trial', counter: 5, name: 'first' });
          expect(holds(newest, first), label).toBe(true);
          expect(one.counter, label).toBe(5);
        } else {
          expect(newest?.state, label).toBe('kept');
          expect(holds(newest, own), label).toBe(true);
          expect(one.counter, label).toBe(0);
          expect(one.install(file, SLOT), label).toBe(SLOT);
          expect(holds(one.version(SLOT), first), label).toBe(true);
        }
        expect(one.confirm(SLOT), label).toBe('ok');
        expect(holds(one.reboot().version(SLOT), first), label).toBe(true);
        // the counter outlasts the adapter
        one.drop(SLOT);
        expect(one.reboot().counter, label).toBe(5);
      }
    }
    expect(cuts).toBe(4 * total);
  });

  it.each([
    ['the start that puts it on trial', 0],
    ['the start that takes it back', 1],
  ])('during %s', async (_, boots) => {
    const prepare = (one: Board): void => {
      one.install(file, SLOT);
      for (let boot = 0; boot < boots; boot++) one.reboot();
    };
    for (let nth = 1; nth <= 12; nth++) {
      for (const how of [0, 1, 2, 3]) {
        const one = await boardWithOwn();
        prepare(one);
        one.rebootWithCut(nth, how);
        const newest = one.version(SLOT);
        const label = `cut ${nth}/${how}`;
        expect(one.counter, label).toBe(5);
        expect(holds(newest, newest?.isDelta === true ? first : own), label).toBe(true);
        one.reboot().reboot();
        expect(holds(one.version(SLOT), own), label).toBe(true);
        expect(one.install(file, SLOT), label).toBe('oldCounter');
      }
    }
  });

  it('during the confirmation or the taking back does one or neither', async () => {
    for (const call of ['confirm', 'revert'] as const) {
      const prepare = (one: Board): void => void one.install(file, SLOT);
      const total = await count(prepare, (one) => void one[call](SLOT));
      expect(total).toBeGreaterThan(0);
      for (let nth = 1; nth <= total; nth++) {
        for (const how of [0, 1, 2, 3]) {
          const one = await boardWithOwn();
          prepare(one);
          one.cutAt(nth, how);
          expect(one.survives(() => one[call](SLOT))).toBe(false);
          const newest = one.version(SLOT);
          const label = `${call}, cut ${nth}/${how}`;
          expect(['kept', 'trial'], label).toContain(newest?.state);
          expect(holds(newest, newest?.isDelta === true ? first : own), label).toBe(true);
          if (newest?.state === 'trial') expect(one[call](SLOT), label).toBe('ok');
          const expected = call === 'confirm' ? first : own;
          expect(holds(one.reboot().reboot().version(SLOT), expected), label).toBe(true);
          expect(one.counter, label).toBe(5);
        }
      }
    }
  });
});

it('the checksum in the file is that of the blob', () => {
  const file = deltaOf(first, { counter: 1 });
  expect(Buffer.from(file).readUInt32LE(44)).toBe(blobCrc(first));
});
