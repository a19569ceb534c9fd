/** native/store: what was saved survives, whenever the power goes. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ServicesBench } from './bench.ts';

const OK = 0;
const EMPTY = -13;
const CHECKSUM = -22;
const ARGUMENT = -10;
const FULL = -12;
const NO_SLOT = 255;
const SLOTS = 4;
/** Of the bench's board: see driver.c. */
const STORE = 0x20000;
const PLACE_BYTES = 0x10000 / 8;

let bench: ServicesBench;
let buffer: number;

beforeEach(async () => {
  bench = await ServicesBench.create();
  buffer = bench.firmware.allocate(2 * PLACE_BYTES);
  start();
});

/** What the firmware does at boot. */
function start(): void {
  bench.powerOn();
  expect(bench.firmware.call('rt_store_init')).toBe(OK);
}

/** Content that tells slot and version, of a length of its own. */
const content = (slot: number, version: number, bytes = 300 + 700 * slot): Buffer =>
  Buffer.from(Array.from({ length: bytes }, (_, i) => (31 * i + 7 * slot + version) & 255));

function save(slot: number, bytes: Buffer, headBytes = 24): number {
  const { firmware } = bench;
  firmware.u8(buffer, bytes.length).set(bytes);
  const head = Math.min(headBytes, bytes.length);
  const rest = bytes.length - head;
  return firmware.call('rt_store_write', slot, buffer, head, buffer + head, rest);
}

/** Content of a slot, or the status. */
function load(slot: number): Buffer | number {
  const { firmware } = bench;
  const status = firmware.call('rt_store_read', slot, buffer, buffer + 4);
  if (status !== OK) return status;
  const [at = 0, bytes = 0] = firmware.u32(buffer, 2);
  return Buffer.from(firmware.u8(at, bytes));
}

function flip(at: number, bits: number): void {
  bench.flash()[at] = (bench.flash()[at] ?? 0) ^ bits;
}

const newest = (): number => bench.firmware.call('rt_store_newest');

describe('the store', () => {
  it('is empty at first', () => {
    for (let slot = 0; slot < SLOTS; slot++) expect(load(slot)).toBe(EMPTY);
    expect(newest()).toBe(NO_SLOT);
  });

  it('gives back what was written, after a reboot too', () => {
    for (let slot = 0; slot < SLOTS; slot++) expect(save(slot, content(slot, 1))).toBe(OK);
    expect(save(2, content(2, 2))).toBe(OK);
    for (const reboot of [false, true]) {
      if (reboot) start();
      expect(newest()).toBe(2);
      expect([0, 1, 2, 3].map(load)).toEqual([
        content(0, 1),
        content(1, 1),
        content(2, 2),
        content(3, 1),
      ]);
    }
  });

  it('takes a place full, an empty content, and refuses more', () => {
    const most = content(0, 3, PLACE_BYTES - 16);
    expect(save(0, most)).toBe(OK);
    expect(load(0)).toEqual(most);
    expect(save(1, Buffer.alloc(0))).toBe(OK);
    expect(load(1)).toEqual(Buffer.alloc(0));
    expect(save(0, content(0, 4, PLACE_BYTES - 15))).toBe(FULL);
    expect(save(SLOTS, content(0, 4))).toBe(ARGUMENT);
    expect(load(SLOTS)).toBe(ARGUMENT);
    expect(load(0)).toEqual(most);
  });

  it('keeps the old content when the power goes during any operation', () => {
    const old = content(1, 1);
    const fresh = content(1, 2, 2000);
    let cuts = 0;
    for (let after = 1; ; after++) {
      bench.flash().fill(0xff);
      start();
      save(0, content(0, 1));
      save(1, old);
      bench.firmware.call('bench_cut_power_after', after);
      const status = save(1, fresh);
      start();
      expect(load(0)).toEqual(content(0, 1));
      if (status === OK) {
        expect(load(1)).toEqual(fresh);
        break;
      }
      cuts++;
      // the last page decides: half of it may hold all there is to hold
      const found = load(1);
      expect([old, fresh]).toContainEqual(found);
      if (after === 1) expect(found).toEqual(old);
      expect(save(1, fresh)).toBe(OK);
      expect(load(1)).toEqual(fresh);
    }
    expect(cuts).toBe(9); // an erase and eight pages
  });

  it('is empty again when the first save of a slot is cut, never damaged', () => {
    bench.firmware.call('bench_cut_power_after', 4);
    expect(save(3, content(3, 1))).not.toBe(OK);
    start();
    expect(load(3)).toBe(EMPTY);
    expect(newest()).toBe(NO_SLOT);
  });

  it('notices every changed bit and falls back to the content before', () => {
    const [old, fresh] = [content(0, 1, 60), content(0, 2, 60)];
    for (let bit = 0; bit < 8 * (16 + 60); bit += 5) {
      bench.flash().fill(0xff);
      start();
      save(0, old); // place 0
      save(0, fresh); // place 1
      flip(STORE + PLACE_BYTES + (bit >> 3), 1 << (bit & 7));
      start();
      expect(load(0)).toEqual(old);
    }
  });

  it('says so when both places are damaged', () => {
    save(0, content(0, 1));
    save(0, content(0, 2));
    for (const place of [0, 1]) flip(STORE + place * PLACE_BYTES + 40, 1);
    start();
    expect(load(0)).toBe(CHECKSUM);
    bench.flash()[STORE + 8] = 0xff; // a length beyond the place
    start();
    expect(load(0)).toBe(CHECKSUM);
    expect(save(0, content(0, 3))).toBe(OK);
    expect(load(0)).toEqual(content(0, 3));
  });
});
