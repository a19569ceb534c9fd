/** native/store/adapter_record: what a slot says of its adapter. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type AdapterRecord, ARGUMENT, EMPTY, FORMAT, OK, StoreBench } from './bench.ts';

const KEPT = 0;
const FRESH = 1;
const TRIAL = 2;
const BLOB = Buffer.from(Array.from({ length: 500 }, (_, i) => i & 255));

const record = (more: Partial<AdapterRecord> = {}): AdapterRecord => ({
  ...{ modelHash: 0xdeadbeef, layoutHash: 1, method: 3, rank: 8, source: 1, state: FRESH },
  ...{ heldOut: 1000, rightBefore: 65535, rightAfter: 1, saves: 4294967295, bursts: 2 },
  ...{ deltaCounter: 77, name: 'Küche'.normalize() },
  ...more,
});

/** Names cross the bench as bytes. */
const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

let store: StoreBench;

beforeEach(async () => {
  store = await StoreBench.create(24);
  store.start();
});

describe('adapter records', () => {
  it('come back whole, blob in parts', () => {
    const sent = record({ name: utf8('Küche') });
    expect(store.saveAdapter(7, sent, BLOB.subarray(0, 24), BLOB.subarray(24))).toBe(OK);
    store.start();
    expect(store.adapter(7)).toEqual({ record: sent, blob: BLOB });
    expect(store.adapter(6)).toBe(EMPTY);
    expect(store.adapter(8)).toBe(ARGUMENT);
    expect(store.saveAdapter(8, sent, BLOB)).toBe(ARGUMENT);
  });

  it('keep names of 24 bytes, and cut what is no UTF-8', () => {
    const cases: [string, string][] = [
      ['a'.repeat(24), 'a'.repeat(24)],
      [utf8('ä'.repeat(12)), utf8('ä'.repeat(12))],
      [`${'a'.repeat(23)}\xc3`, 'a'.repeat(23)],
      ['Jo\xff', 'Jo'],
      ['Jo\xc3(', 'Jo'],
      [utf8('日本'), utf8('日本')],
      ['\x80', ''],
    ];
    for (const [sent, kept] of cases) {
      expect(store.saveAdapter(0, record({ name: sent }), BLOB)).toBe(OK);
      expect(store.adapter(0)).toMatchObject({ record: { name: kept } });
    }
  });

  it('refuse what is no record', () => {
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.alloc(3),
      Buffer.alloc(100),
      Buffer.from('RtM1'),
    ]) {
      store.put(0x100, bytes);
      expect(store.adapter(0)).toBe(FORMAT);
    }
    store.saveAdapter(0, record(), BLOB);
    const good = store.get(0x100) as Buffer;
    for (const [at, value] of [
      [0, 0],
      [4, 2],
      [6, 71],
      [64, 1],
    ] as const) {
      const bad = Buffer.from(good);
      bad[at] = value;
      store.put(0x100, bad);
      expect(store.adapter(0)).toBe(FORMAT);
    }
    store.put(0x100, good.subarray(0, 571));
    expect(store.adapter(0)).toBe(FORMAT);
  });

  it('of a bare blob say what its header says', () => {
    const blob = Buffer.concat([Buffer.from('RtA1'), Buffer.from([1, 0, 2, 4]), BLOB]);
    store.put(0x100, blob);
    expect(store.adapter(0)).toMatchObject({
      record: { method: 2, rank: 4, state: KEPT, name: '', modelHash: 0x03020100 },
      blob,
    });
  });
});

describe('states', () => {
  const stateOf = (back: number): number | undefined => {
    const found = store.adapter(0, back);
    return typeof found === 'number' ? undefined : found.record.state;
  };

  it('cost one entry of the log and belong to their version', () => {
    store.saveAdapter(0, record(), BLOB);
    expect(stateOf(0)).toBe(FRESH);
    store.call('test_clear_counts');
    expect(store.setState(0, TRIAL)).toBe(OK);
    expect(store.call('test_erases')).toBe(0);
    expect(store.call('test_programs')).toBe(3);
    expect(stateOf(0)).toBe(TRIAL);
    expect(store.setState(0, KEPT)).toBe(OK);
    store.saveAdapter(0, record(), BLOB);
    expect([stateOf(0), stateOf(1)]).toEqual([FRESH, KEPT]);
    store.setState(0, TRIAL);
    store.start();
    expect([stateOf(0), stateOf(1)]).toEqual([TRIAL, KEPT]);
    expect(store.rollBack(0x100)).toBe(OK);
    expect([stateOf(0), stateOf(1)]).toEqual([KEPT, undefined]);
    store.saveAdapter(0, record({ state: KEPT }), BLOB);
    expect([stateOf(0), stateOf(1)]).toEqual([KEPT, KEPT]);
  });

  it('are of slots that hold something', () => {
    expect(store.setState(0, TRIAL)).toBe(EMPTY);
    expect(store.setState(8, TRIAL)).toBe(ARGUMENT);
  });
});
