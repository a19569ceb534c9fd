/**
 * Weights in the order of the boards' kernels. native/engine/pair_dot.h defines it: groups of 64
 * rows, in them pieces of 64 columns, in them blocks of four rows, in them quads of columns.
 */
import type { ArrayTable } from './layout.ts';
import type { LoweredLayer, LoweredModel } from './lower.ts';
import { depthwiseFits, packDepthwise } from './depthwise.ts';
import { quickTable } from './requantise.ts';

/** RT_PAIR_ROWS and RT_PAIR_COLUMNS */
const GROUP_ROWS = 64;
const PIECE_COLUMNS = 64;
const BLOCK_ROWS = 4;
/** Columns of the two words of a quad: the first goes with the upper half of the word. */
const PAIRS: readonly [number, number][] = [
  [0, 2],
  [1, 3],
];

const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;

/** Words of the matrix itself: a bias a row, and half a word a weight. */
function matrixWords(rows: number, columns: number): number {
  const padded = roundUp(rows, BLOCK_ROWS);
  return padded + (padded * roundUp(columns, 4)) / 2;
}

/** Words of a packed matrix, those behind it included: one a block of four rows in a piece. */
export function packedWords(rows: number, columns: number): number {
  const blocks = Math.ceil(rows / BLOCK_ROWS) * Math.ceil(columns / PIECE_COLUMNS);
  return matrixWords(rows, columns) + blocks;
}

/**
 * Packs a row-major int8 matrix [rows][columns] with one bias a row; what is added to fill blocks and
 * quads is 0. undefined where a pair of weights is too large for the kernel (both -128).
 */
export function packMatrix(
  weights: Int8Array,
  bias: Int32Array,
  rows: number,
  columns: number,
): Uint32Array | undefined {
  const out = new Uint32Array(packedWords(rows, columns));
  let at = 0;
  let wideAt = matrixWords(rows, columns);
  let sound = true;
  const weight = (row: number, column: number): number =>
    row < rows && column < columns ? (weights[row * columns + column] ?? 0) : 0;
  const quad = (row: number, column: number): void => {
    for (const [first, second] of PAIRS) {
      for (let r = row; r < row + BLOCK_ROWS; r++) {
        const upper = weight(r, column + first);
        const lower = weight(r, column + second);
        sound &&= Math.abs(upper) + Math.abs(lower) < 256;
        out[at++] = (lower + upper * 65536) >>> 0;
      }
    }
  };
  const isWide = (row: number, column: number): boolean => {
    const sum = (r: number): number =>
      [0, 1, 2, 3].reduce((total, c) => total + Math.abs(weight(r, column + c)), 0);
    return sum(row) > 255 || sum(row + 1) > 255;
  };
  const piece = (first: number, end: number, column: number): void => {
    for (let row = first; row < end; row += BLOCK_ROWS) {
      const last = Math.min(column + PIECE_COLUMNS, columns);
      let wide = 0;
      for (let c = column; c < last; c += 4) {
        quad(row, c);
        const bit = 0x80000000 >>> ((c - column) / 4);
        if (isWide(row, c)) wide |= bit;
        if (isWide(row + 2, c)) wide |= bit >>> 16;
      }
      out[wideAt++] = wide >>> 0;
    }
  };
  for (let first = 0; first < rows; first += GROUP_ROWS) {
    const end = Math.min(first + GROUP_ROWS, roundUp(rows, BLOCK_ROWS));
    for (let row = first; row < end; row++) out[at++] = (bias[row] ?? 0) >>> 0;
    for (let column = 0; column < columns; column += PIECE_COLUMNS) piece(first, end, column);
  }
  return sound ? out : undefined;
}

/** Adds the packed tables to every layer whose kernel can use them. */
export function packModel(model: LoweredModel): void {
  for (const layer of model.layers) {
    if (layer.op === 'CONV_2D' || layer.op === 'FULLY_CONNECTED') {
      layer.packed = packedLayer(layer);
    } else if (layer.op === 'DEPTHWISE_CONV_2D') {
      layer.packed = packedDepthwise(model, layer);
    }
    layer.quick = quickLayer(layer, model.tensors[layer.output]?.zeroPoint ?? 0);
  }
}

function quickLayer(layer: LoweredLayer, zeroPoint: number): ArrayTable | undefined {
  const { multiplier, shift } = layer;
  if (!(multiplier?.values instanceof Int32Array) || !(shift?.values instanceof Int32Array)) {
    return undefined;
  }
  const range = { min: layer.activationMin, max: layer.activationMax };
  const values = quickTable(multiplier.values, shift.values, zeroPoint, range);
  return { name: `operator${layer.operator}_quick`, type: 'int32_t', values };
}

function packedDepthwise(model: LoweredModel, layer: LoweredLayer): ArrayTable | undefined {
  const input = model.tensors[layer.input];
  const output = model.tensors[layer.output];
  const { weights, bias, multiplier, shift } = layer;
  if (input === undefined || output === undefined) return undefined;
  if (!(weights?.values instanceof Int8Array) || !(bias?.values instanceof Int32Array)) {
    return undefined;
  }
  if (!(multiplier?.values instanceof Int32Array) || !(shift?.values instanceof Int32Array)) {
    return undefined;
  }
  if (!depthwiseFits(layer, input, output)) return undefined;
  const values = packDepthwise({
    weights: weights.values,
    bias: bias.values,
    multiplier: multiplier.values,
    shift: shift.values,
    inputZeroPoint: input.zeroPoint,
    outputZeroPoint: output.zeroPoint,
    range: { min: layer.activationMin, max: layer.activationMax },
  });
  if (values === undefined) return undefined;
  return { name: `operator${layer.operator}_packed`, type: 'uint32_t', values };
}

function packedLayer(layer: LoweredLayer): ArrayTable | undefined {
  const { weights, bias } = layer;
  if (!(weights?.values instanceof Int8Array) || !(bias?.values instanceof Int32Array)) {
    return undefined;
  }
  const rows = bias.values.length;
  const values = packMatrix(weights.values, bias.values, rows, weights.values.length / rows);
  if (values === undefined) return undefined;
  return { name: `operator${layer.operator}_packed`, type: 'uint32_t', values };
}
