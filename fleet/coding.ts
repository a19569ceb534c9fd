/**
 * The codings of a delta's payload, as docs/delta.md defines them. Every adapter has exactly one
 * coding of each kind: a decoder takes nothing else.
 */
export const CODINGS = ['raw', 'sparse', 'entropy'] as const;
export type Coding = (typeof CODINGS)[number];

export function encodePayload(coding: Coding, bytes: Uint8Array): Uint8Array {
  if (coding === 'raw') return bytes.slice();
  return coding === 'sparse' ? encodeSparse(bytes) : encodeEntropy(bytes);
}

/** The `size` bytes that were coded; undefined when the stream is not their coding. */
export function decodePayload(
  coding: Coding,
  payload: Uint8Array,
  size: number,
): Uint8Array | undefined {
  if (coding === 'raw') return payload.length === size ? payload.slice() : undefined;
  return coding === 'sparse' ? decodeSparse(payload, size) : decodeEntropy(payload, size);
}

/** The coding that takes the fewest bytes, the simplest of several. */
export function smallestCoding(bytes: Uint8Array): Coding {
  const sizes = CODINGS.map((coding) => encodePayload(coding, bytes).length);
  return CODINGS[sizes.indexOf(Math.min(...sizes))] ?? 'raw';
}

// ---- sparse ----

const ROW_BYTES = 128;

function encodeSparse(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (let at = 0; at < bytes.length; at += ROW_BYTES) {
    const row = bytes.subarray(at, at + ROW_BYTES);
    const columns = [...row.keys()].filter((column) => row[column] !== 0);
    out.push(columns.length, ...columns, ...columns.map((column) => row[column] ?? 0));
  }
  return Uint8Array.from(out);
}

function decodeSparse(payload: Uint8Array, size: number): Uint8Array | undefined {
  const bytes = new Uint8Array(size);
  let from = 0;
  for (let at = 0; at < size; at += ROW_BYTES) {
    const row = bytes.subarray(at, at + ROW_BYTES);
    const count = payload[from++] ?? ROW_BYTES + 1;
    if (count > row.length || from + 2 * count > payload.length) return undefined;
    const columns = payload.subarray(from, from + count);
    const values = payload.subarray(from + count, from + 2 * count);
    if (!isRow(columns, values, row.length)) return undefined;
    columns.forEach((column, i) => (row[column] = values[i] ?? 0));
    from += 2 * count;
  }
  return from === payload.length ? bytes : undefined;
}

function isRow(columns: Uint8Array, values: Uint8Array, length: number): boolean {
  return columns.every(
    (column, i) =>
      column < length && values[i] !== 0 && (i === 0 || column > (columns[i - 1] ?? 0)),
  );
}

// ---- entropy ----

const PROBABILITY_BITS = 12;
const HALF = 1 << (PROBABILITY_BITS - 1);
const RATE = 4;
const SMALLEST_RANGE = 0x1000000;
const TREE_SIZE = 256;

/** Chances of a 0 at the nodes of the tree; encoder and decoder learn them alike. */
class Tree {
  private readonly chances = new Uint16Array(TREE_SIZE).fill(HALF);

  bound(range: number, node: number): number {
    return (range >>> PROBABILITY_BITS) * (this.chances[node] ?? 0);
  }

  learn(node: number, bit: number): void {
    const chance = this.chances[node] ?? 0;
    this.chances[node] =
      bit === 0 ? chance + (((1 << PROBABILITY_BITS) - chance) >> RATE) : chance - (chance >> RATE);
  }
}

/** A range coder that carries as LZMA's does. */
class RangeEncoder {
  private low = 0; // below 2^33
  range = 0xffffffff;
  private held = 0;
  private waiting = 1; // bytes that a carry can still change: `held`, then 255s
  private readonly out: number[] = [];

  /** Bit 0 has the lower `bound` of the range. */
  encode(bit: number, bound: number): void {
    if (bit === 0) this.range = bound;
    else {
      this.low += bound;
      this.range -= bound;
    }
    while (this.range < SMALLEST_RANGE) {
      this.range *= 256;
      this.shift();
    }
  }

  /** The first byte holds a carry that cannot come: the code is below the first range. */
  finish(): Uint8Array {
    for (let i = 0; i < 5; i++) this.shift();
    return Uint8Array.from(this.out.slice(1));
  }

  private shift(): void {
    const carry = this.low >= 2 ** 32 ? 1 : 0;
    const low = this.low % 2 ** 32;
    if (carry !== 0 || low < 0xff000000) {
      for (; this.waiting > 0; this.waiting--) {
        this.out.push((this.held + carry) & 255);
        this.held = 255;
      }
      this.held = low >>> 24;
    }
    this.waiting++;
    this.low = (low % SMALLEST_RANGE) * 256;
  }
}

function encodeEntropy(bytes: Uint8Array): Uint8Array {
  const tree = new Tree();
  const coder = new RangeEncoder();
  for (const byte of bytes) {
    for (let node = 1, shift = 7; shift >= 0; shift--) {
      const bit = (byte >> shift) & 1;
      coder.encode(bit, tree.bound(coder.range, node));
      tree.learn(node, bit);
      node = 2 * node + bit;
    }
  }
  return coder.finish();
}

function decodeEntropy(payload: Uint8Array, size: number): Uint8Array | undefined {
  const bytes = new Uint8Array(size);
  const tree = new Tree();
  let at = 0;
  let missing = false;
  const next = (): number => {
    if (at >= payload.length) missing = true;
    return payload[at++] ?? 0;
  };
  let range = 0xffffffff;
  let code = 0;
  for (let i = 0; i < 4; i++) code = code * 256 + next();
  if (code >= range) return undefined;
  for (let i = 0; i < size && !missing; i++) {
    let node = 1;
    while (node < TREE_SIZE) {
      const bound = tree.bound(range, node);
      const bit = code < bound ? 0 : 1;
      range = bit === 0 ? bound : range - bound;
      if (bit === 1) code -= bound;
      tree.learn(node, bit);
      node = 2 * node + bit;
      while (range < SMALLEST_RANGE) {
        range *= 256;
        code = code * 256 + next();
      }
    }
    bytes[i] = node - TREE_SIZE;
  }
  return missing || at !== payload.length || code !== 0 ? undefined : bytes;
}
