/** A log with right checksums that no store has written: nothing outside is read or written. */
import { describe, expect, it } from 'vitest';
import { crc32 } from 'node:zlib';
import { readStore } from '../../fleet/store-image.ts';
import { CHECKSUM, content, EMPTY, OK, SECTOR, StoreBench } from './bench.ts';

const SECTORS = 24;
const PAYLOAD_SECTORS = SECTORS - 8;
const LOG = (SECTORS - 4) * SECTOR;
const GENERATION = 9;

/** Checksum, marker and seal as docs/store.md has them. */
function finish(slot: Buffer, seed: number): Buffer {
  const crc = crc32(slot.subarray(0, 52), seed);
  const folded = (crc ^ (crc >>> 16)) & 0xffff;
  slot.writeUInt32LE(crc, 52);
  slot.writeUInt32LE(((folded << 16) | (~folded & 0xffff)) >>> 0, 56);
  slot[60] = 0;
  return slot;
}

function header(): Buffer {
  const slot = Buffer.alloc(64, 0xff);
  slot.write('RtS2', 'latin1');
  slot.writeUInt32LE(GENERATION, 4);
  [1, PAYLOAD_SECTORS, 2, 0].forEach((value, i) => slot.writeUInt16LE(value, 8 + 2 * i));
  slot.writeUInt32LE(1, 16);
  return finish(slot, 0);
}

interface Entry {
  key: number;
  kind: number;
  length?: number;
  number: number;
  words?: number[];
}

function entry({ key, kind, length = 255, number, words = [] }: Entry): Buffer {
  const slot = Buffer.alloc(64, 0xff);
  slot.writeUInt16LE(key, 0);
  slot[2] = kind;
  slot[3] = length;
  slot.writeUInt32LE(number, 4);
  slot.writeUInt32LE(number, 8);
  words.forEach((word, i) => slot.writeUInt32LE(word, 12 + 4 * i));
  return finish(slot, GENERATION);
}

async function mounted(entries: Buffer[]): Promise<StoreBench> {
  const store = await StoreBench.create(SECTORS);
  store.flash().set(Buffer.concat([header(), header(), ...entries]), LOG);
  expect(store.start()).toBe(OK);
  return store;
}

describe('a log with right checksums', () => {
  it('of more records than are kept does not outgrow its sector', async () => {
    const entries = Array.from({ length: 62 }, (_, i) =>
      entry({ key: 0x1000 + i, kind: 1, length: 4, number: i + 1, words: [i] }),
    );
    const store = await mounted(entries);
    expect(store.list()).toHaveLength(62);
    const staging = store.flash().slice(LOG - 4 * SECTOR, LOG);
    const status = store.put(0x1000, Buffer.from('new'));
    expect(status).toBe(OK);
    expect(store.drop(0x1001)).toBe(OK);
    expect(store.start()).toBe(OK);
    expect(store.get(0x1000)).toEqual(Buffer.from('new'));
    expect(store.get(0x1001)).toBe(EMPTY);
    expect(store.flash().slice(LOG - 4 * SECTOR, LOG)).toEqual(staging);
    // two log sectors are used, the other two are as they were
    expect(
      store
        .flash()
        .subarray(LOG + 2 * SECTOR, LOG + 4 * SECTOR)
        .every((b) => b === 255),
    ).toBe(true);
  });

  it('of payloads beyond the region reads none of them, and goes on', async () => {
    const wild: [number, number][] = [
      [0xfffff000, 0x2000],
      [0, 0xffffffff],
      [0x7fffffff, 0x80000001],
      [LOG, 16],
      [LOG - 8, 16],
      [PAYLOAD_SECTORS * SECTOR, 0xfffffff0],
      [0xffffffff, 1],
    ];
    const entries = wild.map(([start, bytes], i) =>
      entry({ key: 0x100 + i, kind: 2, number: i + 1, words: [start, bytes, 0] }),
    );
    const odd = [
      entry({ key: 0x200, kind: 1, length: 41, number: 20 }),
      entry({ key: 0, kind: 4, number: 0xffffffff, words: new Array<number>(10).fill(0) }),
      entry({ key: 0xffff, kind: 4, length: 40, number: 7 }),
      entry({ key: 0x201, kind: 77, number: 21 }),
    ];
    const store = await mounted([...entries, ...odd]);
    for (const [i] of wild.entries()) expect(store.get(0x100 + i)).toBe(CHECKSUM);
    expect(store.get(0x200)).toBe(CHECKSUM);
    expect(readStore(store.region()).flatMap(({ versions }) => versions)).toSatisfy(
      (versions: { isDamaged: boolean }[]) => versions.every(({ isDamaged }) => isDamaged),
    );
    // sector 0 and on is said to be taken by a record of four gigabytes: dropped, it is free
    expect(store.drop(0x101)).toBe(OK);
    for (let i = 0; i < 100; i++) {
      expect(store.put(0x300, content(3, i, 4096))).toBe(OK);
      expect(store.get(0x300)).toEqual(content(3, i, 4096));
    }
    store.start();
    expect(store.version(0x300, 1)).toEqual(content(3, 98, 4096));
  });
});
