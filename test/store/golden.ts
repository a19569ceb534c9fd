/**
 * Golden images of docs/store.md: written once by native/store, and since then read by it and by
 * fleet/store-image.ts; and what a change of the writer would be noticed by.
 *
 *     npx tsx test/store/golden.ts --write
 *
 * A file has a line for each 64 bytes of the region that are not blank: offset and bytes, in
 * hexadecimal. NAME.json says what must be found in it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import * as prettier from 'prettier';
import { content, OK, SECTOR, StoreBench } from './bench.ts';

const FOLDER = fileURLToPath(new URL('../golden/store', import.meta.url));
const LINE_BYTES = 64;

/** Key to its versions, newest first, in hexadecimal. */
export type Expected = Record<string, { number: number; payload: string }[]>;

export interface Golden {
  name: string;
  /** Of the region. */
  sectors: number;
  image: Buffer;
  expected: Expected;
}

/** @param region of so many sectors */
export function readGolden(name: string, sectors: number): Golden {
  const image = Buffer.alloc(sectors * SECTOR, 0xff);
  const lines = readFileSync(join(FOLDER, `${name}.hex`), 'utf8')
    .trim()
    .split('\n');
  for (const line of lines) {
    const [offset = '', bytes = ''] = line.split(' ');
    image.set(Buffer.from(bytes, 'hex'), parseInt(offset, 16));
  }
  const expected = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as Expected;
  return { name, sectors, image, expected };
}

function asLines(image: Buffer): string {
  const lines: string[] = [];
  for (let at = 0; at < image.length; at += LINE_BYTES) {
    const bytes = image.subarray(at, at + LINE_BYTES);
    if (bytes.every((byte) => byte === 0xff)) continue;
    lines.push(`${at.toString(16).padStart(6, '0')} ${bytes.toString('hex')}`);
  }
  return `${lines.join('\n')}\n`;
}

/** All that a store says of itself, by the C. */
export function contentsOf(store: StoreBench): Expected {
  const found: Expected = {};
  for (const { key, versions } of store.list().sort((a, b) => a.key - b.key)) {
    found[`0x${key.toString(16).padStart(4, '0')}`] = Array.from(
      { length: versions },
      (_, back) => {
        const payload = store.version(key, back);
        if (typeof payload === 'number') throw new Error(`key ${key}: status ${payload}`);
        return { number: store.numberOf(key, back), payload: payload.toString('hex') };
      },
    );
  }
  return found;
}

function expectOk(status: number): void {
  if (status !== OK) throw new Error(`the store answers ${status}`);
}

const RECORD = {
  ...{ modelHash: 0x12345678, layoutHash: 0x9abcdef0, method: 2, rank: 4, source: 0, state: 0 },
  ...{ heldOut: 10, rightBefore: 7, rightAfter: 9, saves: 1, bursts: 3, deltaCounter: 0 },
  name: 'Ada',
};

/** Small: an adapter of two versions, settings, one rolled back, one dropped. */
function first(store: StoreBench): void {
  const blob = content(1, 1, 120);
  expectOk(store.saveAdapter(2, RECORD, blob));
  expectOk(store.put(0x1000, Buffer.from('first')));
  expectOk(store.put(0x1000, Buffer.from('second')));
  expectOk(
    store.saveAdapter(2, { ...RECORD, saves: 2, name: 'Ada L.', source: 1, state: 1 }, blob),
  );
  expectOk(store.setState(2, 2));
  expectOk(store.put(0x1001, Buffer.alloc(40, 0xff)));
  expectOk(store.put(0x1002, content(2, 1, 300)));
  expectOk(store.put(0x1002, content(2, 2, 300)));
  expectOk(store.rollBack(0x1002));
  expectOk(store.put(0x1003, content(3, 1, 41)));
  expectOk(store.drop(0x1003));
}

/** The log has been written anew several times, sectors were erased and one retired, starts between. */
function turned(store: StoreBench): void {
  store.call('test_stick', 3, 1);
  store.flash().fill(0, 3 * SECTOR, 4 * SECTOR);
  for (let i = 0; i < 220; i++) {
    expectOk(store.put(0x0100 + (i % 3), content(i % 3, i, 41 + 5 * (i % 5))));
    if (i % 4 === 0) expectOk(store.put(0x0200, Buffer.from([i, 0, 0, 0])));
    if (i % 60 === 59) expectOk(store.start());
  }
  store.call('test_stick', 3, 0);
}

/** Places of format "RtS1" in a region of 64 sectors. */
function old(store: StoreBench): void {
  const place = (slot: number, which: number, number: number, bytes: Buffer): void => {
    const at = (2 * slot + which) * 8 * SECTOR;
    const header = Buffer.alloc(16);
    header.write('RtS1', 'latin1');
    header.writeUInt32LE(number, 4);
    header.writeUInt32LE(bytes.length, 8);
    header.writeUInt32LE(crc32(bytes, crc32(header.subarray(4, 12))), 12);
    store.flash().set([...header, ...bytes], at);
  };
  place(0, 0, 5, content(0, 5, 100));
  place(0, 1, 4, content(0, 4, 100));
  place(2, 1, 7, content(2, 7, 90));
  // in what is the staging area now
  place(3, 1, 6, content(3, 6, 80));
}

export const SCENARIOS: { name: string; sectors: number; run: (store: StoreBench) => void }[] = [
  { name: 'first', sectors: 64, run: first },
  { name: 'turned', sectors: 16, run: turned },
];

export const OLD = { name: 'old', sectors: 64, run: old };

/** The region after a scenario, and what the C finds in it. */
export async function generate({
  name,
  sectors,
  run,
}: (typeof SCENARIOS)[number]): Promise<Golden> {
  const store = await StoreBench.create(sectors);
  store.start();
  run(store);
  const image = store.region();
  store.start();
  return { name, sectors, image, expected: contentsOf(store) };
}

async function write({ name, image, expected }: Golden): Promise<void> {
  writeFileSync(join(FOLDER, `${name}.hex`), asLines(image));
  const options = { parser: 'json', printWidth: 100 };
  writeFileSync(
    join(FOLDER, `${name}.json`),
    await prettier.format(JSON.stringify(expected), options),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes('--write')) {
    console.error('npx tsx test/store/golden.ts --write overwrites test/golden/store');
    process.exitCode = 1;
  } else {
    for (const scenario of [...SCENARIOS, OLD]) await write(await generate(scenario));
  }
}
