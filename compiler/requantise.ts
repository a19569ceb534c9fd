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
/** With a known reach: the slope then stays within 32 bits. */
const LARGEST_SHIFT = 6;
/** A channel whose outputs are so often undecided is left to the long way, but for those at the ends. */
const LARGEST_GAP = ONE / 4n;

export interface QuickChannel {
  words: [first: number, last: number, slope: number, start: number];
  /** By how much the quick value may be less than the true one, in units of the last bit. */
  gap: bigint;
}

/** Accumulators that can occur; both ends included. */
export interface Reach {
  min: number;
  max: number;
}

const ALL: Reach = { min: INT32_MIN, max: INT32_MAX };

/** Asks the long way for every accumulator. */
const UNDECIDED: QuickChannel = { words: [INT32_MIN, -1, 0, 0x00ffffff], gap: ONE };

const floorDivide = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b;

/** rt_output without its clamp; a shift to the left must not leave 32 bits. */
export function requantised(
  accumulator: bigint,
  multiplier: number,
  shift: number,
  zeroPoint: number,
): number {
  const shifted = accumulator * 2n ** BigInt(Math.max(0, shift));
  const product = (shifted * BigInt(multiplier) + (1n << 30n)) >> 31n;
  if (shift >= 0) return Number(product) + zeroPoint;
  const right = BigInt(-shift);
  const nudge = (1n << (right - 1n)) - (product < 0n ? 1n : 0n);
  return Number((product + nudge) >> right) + zeroPoint;
}

/** The smallest accumulator whose output is at least `wanted`; the one after `max` if none is. */
function firstAtLeast(wanted: number, { min, max }: Reach, output: (a: bigint) => number): number {
  let [below, at] = [min - 1, max + 1];
  while (at - below > 1) {
    const middle = Math.floor((below + at) / 2);
    if (output(BigInt(middle)) >= wanted) at = middle;
    else below = middle;
  }
  return at;
}

/** Everything from `first` on has one output. */
function constant(first: number, output: number): QuickChannel {
  return { words: [first, -1, 0, output * 2 ** FRACTION + 2 ** (FRACTION - 1)], gap: 1n };
}

/** What a channel is requantised with. Shifts to the left are quick only where `reach` is known. */
export function quickChannel(
  multiplier: number,
  shift: number,
  zeroPoint: number,
  range: Range,
  reach: Reach = ALL,
): QuickChannel {
  if (shift > (reach === ALL ? 0 : LARGEST_SHIFT)) return UNDECIDED;
  const output = (acc: bigint): number => requantised(acc, multiplier, shift, zeroPoint);
  const first = firstAtLeast(range.min + 1, reach, output);
  const beyond = firstAtLeast(range.max, reach, output);
  if (first > INT32_MAX) return constant(INT32_MAX, range.min);
  if (beyond <= first) return constant(first, range.max);
  const last = beyond - 1 - first;
  // From here on in units of 2^-24 of an output, times `scale`, which makes everything whole.
  const right = BigInt(Math.max(0, -shift));
  const scale = 2n ** (right + 7n);
  const factor = BigInt(multiplier) * 2n ** BigInt(Math.max(0, shift));
  const slope = (factor + scale / 2n) / scale;
  const error = factor - slope * scale;
  const negative = (acc: number): boolean => BigInt(acc) * factor + (1n << 30n) < 0n;
  // Both roundings as one: half a unit of the first one, an output's half, below 0 a whole unit less.
  const unit = right === 0n ? 0n : 2n ** 31n;
  const low = negative(first) ? unit : 0n;
  const kink = negative(first) && !negative(beyond - 1) ? unit : 0n;
  const zero = scale * (ONE / 2n + BigInt(zeroPoint) * ONE);
  const value = BigInt(first) * factor + unit / 2n + zero - low;
  const drift = BigInt(last) * error;
  const start = floorDivide(drift < 0n ? value + drift : value, scale);
  const magnitude = drift < 0n ? -drift : drift;
  const gap = floorDivide(magnitude + kink, scale) + 2n;
  const words: QuickChannel['words'] = [
    first,
    last | 0,
    Number(BigInt.asIntN(32, slope)),
    Number(BigInt.asIntN(32, start)),
  ];
  return { words, gap };
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
    const exact = quickChannel(value, shift[c] ?? 0, zeroPoint, range);
    const isQuick = exact.gap <= LARGEST_GAP;
    const [first, last] = exact.words;
    const words = isQuick ? exact.words : [first, last, 0, 0x00ffffff];
    table.set(words, HEADER_WORDS + CHANNEL_WORDS * c);
    if (isQuick && exact.gap > gap) gap = exact.gap;
  });
  table[0] = Number(BigInt.asIntN(32, (ONE - gap) << 8n));
  return table;
}
