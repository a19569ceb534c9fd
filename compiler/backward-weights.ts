/**
 * Weights of frozen layers for the way back: round(w_c M_c 2^exponent), small integers with the
 * layer's requantisation factors M_c folded in, in the order of native/engine/backward*.c.
 */
import type { StructValue } from './layout.ts';
import type { LoweredLayer, LoweredModel } from './lower.ts';

/** Largest dense weight: a pixel's signal then seldom needs more than one sum of 16 bits. */
const DENSE_MAX = 63;
/** Largest sum of magnitudes of a depthwise kernel: times 128 it fits 16 bits. */
const KERNEL_SUM = 255;
const KERNEL_MAX = 127;
/** Columns of a dense layer are padded to this. */
const BLOCK = 8;

/** A matrix of a layer as the way back uses it: [outputs][inputs], or [channels][taps]. */
interface Matrix {
  rows: number;
  columns: number;
  values: Float64Array;
}

/** Members weights, exponent, weight_max and gain_bits of rt_adapter_step_t. */
export function wayBack(model: LoweredModel, layer: LoweredLayer): StructValue {
  const depthwise = layer.op === 'DEPTHWISE_CONV_2D';
  const real = depthwise ? kernels(layer) : matrix(layer);
  const exponent = depthwise ? kernelExponent(real) : matrixExponent(real);
  const weights = Float64Array.from(real.values, (value) => Math.round(value * 2 ** exponent));
  const name = `adapter_back${layer.index}_weights`;
  const rounded = { ...real, values: weights };
  return {
    weights: { name, type: 'uint32_t', values: depthwise ? words(rounded) : pairs(rounded) },
    exponent,
    weight_max: depthwise ? 1 : Math.max(1, largest(weights)),
    gain_bits: gainBits(rounded, depthwise),
  };
}

/** M_c by channel. */
function factors(layer: LoweredLayer): Float64Array {
  const { multiplier, shift } = layer;
  if (!multiplier || !shift) throw new Error(`${layer.name} has no weights`);
  return Float64Array.from(multiplier.values, (m, c) => m * 2 ** ((shift.values[c] ?? 0) - 31));
}

function weightsOf(layer: LoweredLayer): ArrayLike<number> {
  if (!layer.weights) throw new Error(`${layer.name} has no weights`);
  return layer.weights.values;
}

function matrix(layer: LoweredLayer): Matrix {
  const gain = factors(layer);
  const weights = weightsOf(layer);
  const columns = weights.length / gain.length;
  const values = Float64Array.from(weights, (w, i) => w * (gain[Math.floor(i / columns)] ?? 0));
  return { rows: gain.length, columns, values };
}

/** By channel, flipped in both directions. */
function kernels(layer: LoweredLayer): Matrix {
  const gain = factors(layer);
  const weights = weightsOf(layer);
  const rows = gain.length;
  const columns = weights.length / rows;
  const values = new Float64Array(weights.length);
  gain.forEach((factor, c) => {
    for (let tap = 0; tap < columns; tap++) {
      values[c * columns + columns - 1 - tap] = (weights[tap * rows + c] ?? 0) * factor;
    }
  });
  return { rows, columns, values };
}

const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((a, b) => Math.max(a, Math.abs(b)), 0);

function matrixExponent({ values }: Matrix): number {
  return exponentFor(largest(values), DENSE_MAX);
}

function kernelExponent({ rows, columns, values }: Matrix): number {
  const sumAt = (exponent: number, c: number): number =>
    values
      .subarray(c * columns, (c + 1) * columns)
      .reduce((sum, value) => sum + Math.abs(Math.round(value * 2 ** exponent)), 0);
  let exponent = exponentFor(largest(values), KERNEL_MAX);
  for (let c = 0; c < rows; c++) {
    while (sumAt(exponent, c) > KERNEL_SUM) exponent--;
  }
  return exponent;
}

/** Largest exponent with value 2^exponent <= limit. */
function exponentFor(value: number, limit: number): number {
  return value === 0 ? 0 : Math.floor(Math.log2(limit / value));
}

/** Two columns a word, each row padded with zeros. */
function pairs({ rows, columns, values }: Matrix): Uint32Array {
  const padded = Math.ceil(columns / BLOCK) * BLOCK;
  const out = new Uint32Array((rows * padded) / 2);
  const at = (row: number, column: number): number =>
    column < columns ? (values[row * columns + column] ?? 0) : 0;
  for (let i = 0; i < out.length; i++) {
    const row = Math.floor((2 * i) / padded);
    const column = (2 * i) % padded;
    out[i] = at(row, column) + at(row, column + 1) * 0x10000;
  }
  return out;
}

function words({ values }: Matrix): Uint32Array {
  return Uint32Array.from(values, (value) => value >>> 0);
}

/**
 * What a signal gains, roughly: signals and weights are of either sign, so the sum that an input
 * gets from its weights is as large as their Euclidean norm, and few signals are as large as the
 * largest.
 */
function gainBits({ rows, columns, values }: Matrix, depthwise: boolean): number {
  const sums = new Float64Array(depthwise ? rows : columns);
  values.forEach((value, i) => {
    const to = depthwise ? Math.floor(i / columns) : i % columns;
    sums[to] = (sums[to] ?? 0) + value ** 2;
  });
  return Math.max(0, Math.ceil(Math.log2(Math.sqrt(largest(sums)) + 1)));
}
