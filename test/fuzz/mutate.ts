/** Ways to damage a file. All draw from a seeded generator, so that a case can be had again. */
import type { Random } from '../support/random.ts';

type Mutation = (random: Random, bytes: Uint8Array) => Uint8Array;

/** Values that length and offset fields are likely to be read wrongly at. */
const NASTY = [0, 1, 2, 3, 4, 0x7f, 0x80, 0xff, 0xffff, 0x10000, 0x7ffffffc, 0x7fffffff] as const;
const NASTY_NEGATIVE = [0x80000000, 0xfffffffc, 0xffffffff] as const;

const view = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A 4-aligned position; anywhere when the file is that short. */
function word(random: Random, bytes: Uint8Array): number | undefined {
  return bytes.length < 4 ? undefined : 4 * random.below(Math.floor(bytes.length / 4));
}

function truncated(random: Random, bytes: Uint8Array): Uint8Array {
  return bytes.slice(0, random.below(bytes.length + 1));
}

function extended(random: Random, bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([...bytes, ...random.bytes(random.between(1, 64))]);
}

function bitsFlipped(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let n = random.between(1, 8); n > 0 && copy.length > 0; n--) {
    const at = random.below(copy.length);
    copy[at] = (copy[at] as number) ^ (1 << random.below(8));
  }
  return copy;
}

function bytesReplaced(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = random.below(copy.length + 1);
  copy.set(random.bytes(Math.min(random.between(1, 32), copy.length - at)), at);
  return copy;
}

/** A length that is huge, an offset that leads outside, before the file, or to itself. */
function wordNasty(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = word(random, copy);
  if (at === undefined) return copy;
  const near = [copy.length, copy.length - 4, copy.length - at, at, 0x100000000 - at];
  const value = random.pick([...NASTY, ...NASTY_NEGATIVE, ...near]);
  view(copy).setUint32(at, value >>> 0, true);
  return copy;
}

/** One word of the file over another: offsets that cross, vectors that overlap, cycles. */
function wordSpliced(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const [from, to] = [word(random, copy), word(random, copy)];
  if (from === undefined || to === undefined) return copy;
  view(copy).setUint32(to, view(copy).getUint32(from, true), true);
  return copy;
}

/** An offset that leads to another place of the file: back to a parent, or into data. */
function wordRedirected(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const [from, to] = [word(random, copy), word(random, copy)];
  if (from === undefined || to === undefined) return copy;
  view(copy).setUint32(from, (to - from) >>> 0, true);
  return copy;
}

/** A small signed change: a dimension, an index or a length that is off by a little. */
function wordNudged(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = word(random, copy);
  if (at === undefined) return copy;
  view(copy).setInt32(at, view(copy).getInt32(at, true) + random.between(-4, 4), true);
  return copy;
}

function chunkMoved(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const length = Math.min(random.between(1, 256), copy.length);
  const [from, to] = [random.below(copy.length + 1), random.below(copy.length + 1)];
  copy.copyWithin(to, from, Math.min(from + length, copy.length));
  return copy;
}

const MUTATIONS: Mutation[] = [
  truncated,
  extended,
  bitsFlipped,
  bytesReplaced,
  wordNasty,
  wordNasty,
  wordSpliced,
  wordRedirected,
  wordNudged,
  chunkMoved,
];

/** A file with one to three damages, or now and then random bytes instead. */
export function damaged(random: Random, bytes: Uint8Array): Uint8Array {
  if (random.oneIn(20)) return random.bytes(random.between(0, 512));
  let result = bytes;
  for (let n = random.between(1, 3); n > 0; n--) result = random.pick(MUTATIONS)(random, result);
  return result;
}

const FRAGMENTS = ['"', ',', '\n', '\r\n', ';', '\0', '\uFEFF', '-1', '1e99', '{', '}', '[', ']'];
const MORE_FRAGMENTS = ['null', '""', '0', '99999999999999999999', '\u{1F600}', '../..', ' ', '.'];

/** A text with pieces deleted, doubled or put in. */
export function damagedText(random: Random, text: string): string {
  let result = text;
  for (let n = random.between(1, 4); n > 0; n--) {
    const [a, b] = [random.below(result.length + 1), random.below(result.length + 1)];
    const [from, to] = [Math.min(a, b), Math.min(Math.max(a, b), Math.min(a, b) + 20)];
    const inserted = random.pick([
      '',
      result.slice(from, to),
      random.pick([...FRAGMENTS, ...MORE_FRAGMENTS]),
    ]);
    result = result.slice(0, from) + inserted + result.slice(random.oneIn(2) ? to : from);
  }
  return result;
}

/** A JSON value with one part replaced, removed or added, at any depth. */
export function damagedJson(random: Random, value: unknown): unknown {
  const odd = [null, true, -1, 0, 1.5, 1e308, 2 ** 53, '', 'x', '../../x', [], {}, [[]], [null]];
  if (random.oneIn(3) || typeof value !== 'object' || value === null) return random.pick(odd);
  if (Array.isArray(value)) {
    const copy: unknown[] = [...(value as unknown[])];
    if (copy.length === 0 || random.oneIn(4)) return [...copy, random.pick(odd)];
    const at = random.below(copy.length);
    copy[at] = damagedJson(random, copy[at]);
    return copy;
  }
  const copy: Record<string, unknown> = { ...value };
  const keys = Object.keys(copy);
  const key = keys.length === 0 || random.oneIn(5) ? 'surprise' : random.pick(keys);
  if (random.oneIn(5)) delete copy[key];
  else copy[key] = damagedJson(random, copy[key]);
  return copy;
}
