/**
 * Tables of requantisation with one multiply (native/engine/quick.h): exact by construction, since
 * every bound here is computed in whole numbers from TensorFlow Lite's definition.
 */
import type { Range } from './quantize.ts';

/** RT_QUICK_HEADER, RT_QUICK_CHANNEL */
const HEADER_WORDS = 1;
const CHANNEL_WORDS = 4;
const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
/** Bits behind the point. */
const FRACTION = 24;
const ONE = 2n ** BigInt(FRACTION);
/** A channel whose outputs are so often undecided is left to the long way. */
const LARGEST_GAP = ONE / 4n;

interface Channel {
  words: [first: number, last: number, slope: number, start: number];
  /** By how much the quick value may be less than the true one, in units of the last bit. */
  gap: bigint;
}

/** Asks the long way for every accumulator. */
const UNDECIDED: Channel = { words: [INT32_MIN, -1, 0, 0x00ffffff], gap: 1n };

const floorDivide = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b;

/** rt_output without its clamp, for shifts to the right. */
export function requantised(
  accumulator: bigint,
  multiplier: number,
  shift: number,
  zeroPoint: number,
): number {
  const product = (accumulator * BigInt(multiplier) + (1n << 30n)) >> 31n;
  if (shift >= 0) return Number(product) + zeroPoint;
  const right = BigInt(-shift);
  const nudge = (1n << (right - 1n)) - (product < 0n ? 1n : 0n);
  return Number((product + nudge) >> right) + zeroPoint;
}

/** The smallest accumulator whose output is at least `wanted`; undefined where none or all are. */
function firstAtLeast(wanted: number, output: (acc: bigint) => number): number | undefined {
  let [below, at] = [INT32_MIN, INT32_MAX];
  if (output(BigInt(below)) >= wanted || output(BigInt(at)) < wanted) return undefined;
  while (at - below > 1) {
    const middle = Math.floor((below + at) / 2);
    if (output(BigInt(middle)) >= wanted) at = middle;
    else below = middle;
  }
  return at;
}

function channel(multiplier: number, shift: number, zeroPoint: number, range: Range): Channel {
  if (shift > 0) return UNDECIDED;
  const output = (acc: bigint): number => requantised(acc, multiplier, shift, zeroPoint);
  const first = firstAtLeast(range.min + 1, output);
  const beyond = firstAtLeast(range.max, output);
  if (first === undefined || beyond === undefined || beyond <= first) return UNDECIDED;
  const last = beyond - 1 - first;
  // From here on in units of 2^-24 of an output, times `scale`, which makes everything whole.
  const right = BigInt(-shift);
  const scale = 2n ** (right + 7n);
  const slope = (BigInt(multiplier) + scale / 2n) / scale;
  const error = BigInt(multiplier) - slope * scale;
  const negative = (acc: number): boolean => BigInt(acc) * BigInt(multiplier) + (1n << 30n) < 0n;
  // Both roundings as one: half a unit of the first one, an output's half, below 0 a whole unit less.
  const unit = right === 0n ? 0n : 2n ** 31n;
  const low = negative(first) ? unit : 0n;
  const kink = negative(first) && !negative(beyond - 1) ? unit : 0n;
  const value =
    BigInt(first) * BigInt(multiplier) +
    unit / 2n +
    scale * (ONE / 2n + BigInt(zeroPoint) * ONE) -
    low;
  const drift = BigInt(last) * error;
  const start = floorDivide(drift < 0n ? value + drift : value, scale);
  const magnitude = drift < 0n ? -drift : drift;
  const gap = floorDivide(magnitude + kink, scale) + 2n;
  if (gap > LARGEST_GAP) return UNDECIDED;
  return { words: [first, last | 0, Number(slope) | 0, Number(BigInt.asIntN(32, start))], gap };
}

/** The table of a layer: a bound, then four words a channel. */
export function quickTable(
  multiplier: Int32Array,
  shift: Int32Array,
  zeroPoint: number,
  range: Range,
): Int32Array {
  const table = new Int32Array(HEADER_WORDS + CHANNEL_WORDS * multiplier.length);
  let gap = 1n;
  multiplier.forEach((value, c) => {
    const entry = channel(value, shift[c] ?? 0, zeroPoint, range);
    table.set(entry.words, HEADER_WORDS + CHANNEL_WORDS * c);
    if (entry.gap > gap) gap = entry.gap;
  });
  table[0] = Number(BigInt.asIntN(32, (ONE - gap) << 8n));
  return table;
}
