/**
 * TensorFlow Lite's arithmetic of scales, in its precisions: what the reference kernels compute
 * when they are prepared (kernel_util.cc and quantization_util.cc), here at compile time. A scale is
 * a float32 held in a JavaScript number; float32 steps of the original use Math.fround.
 */

export interface Multiplier {
  /** Q31, 0 or in [2^30, 2^31). */
  multiplier: number;
  /** Positive is left. */
  shift: number;
}

export interface Real {
  mantissa: number;
  exponent: number;
}

const scratch = new DataView(new ArrayBuffer(8));

/** C's frexp for positive finite numbers: value = fraction * 2^exponent, fraction in [0.5, 1). */
export function frexp(value: number): { fraction: number; exponent: number } {
  if (value === 0) return { fraction: 0, exponent: 0 };
  let scaled = value;
  let bias = 1022;
  if (Math.abs(value) < 2 ** -1022) {
    scaled = value * 2 ** 64;
    bias += 64;
  }
  scratch.setFloat64(0, scaled);
  const high = scratch.getUint32(0);
  const exponent = ((high >>> 20) & 0x7ff) - bias;
  scratch.setUint32(0, ((high & 0x800fffff) | (1022 << 20)) >>> 0);
  return { fraction: scratch.getFloat64(0), exponent };
}

/** std::round: halves go away from zero. */
export function roundAway(value: number): number {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
}

/** QuantizeMultiplier: a non-negative real as Q31 multiplier and shift. */
export function quantizeMultiplier(real: number): Multiplier {
  if (real === 0) return { multiplier: 0, shift: 0 };
  const { fraction, exponent } = frexp(real);
  let multiplier = roundAway(fraction * 2 ** 31);
  let shift = exponent;
  if (multiplier === 2 ** 31) {
    multiplier /= 2;
    shift += 1;
  }
  if (shift < -31) return { multiplier: 0, shift: 0 };
  return { multiplier, shift };
}

/** A positive float32 as rt_real_t, exactly. */
export function exactReal(value: number): Real {
  const { fraction, exponent } = frexp(value);
  return { mantissa: fraction * 2 ** 31, exponent };
}

/** Convolutions: every channel in double precision. */
export function convolutionScale(input: number, weight: number, output: number): number {
  return (input * weight) / output;
}

/** FULLY_CONNECTED with one weight scale: the product of the two is a float32. */
export function denseScale(input: number, weight: number, output: number): number {
  return Math.fround(input * weight) / output;
}

export interface Range {
  min: number;
  max: number;
}

/** CalculateActivationRangeQuantized for int8. */
export function activationRange(
  activation: 'NONE' | 'RELU' | 'RELU6',
  scale: number,
  zeroPoint: number,
): Range {
  const quantize = (real: number): number => zeroPoint + roundAway(Math.fround(real / scale));
  const min = activation === 'NONE' ? -128 : Math.max(-128, quantize(0));
  const max = activation === 'RELU6' ? Math.min(127, quantize(6)) : 127;
  return { min, max };
}

export interface WindowSize {
  output: number;
  padding: number;
}

/** Output extent and leading zero padding of a window, as ComputePadding computes them. */
export function windowSize(
  padding: 'SAME' | 'VALID',
  input: number,
  kernel: number,
  stride: number,
): WindowSize {
  const output =
    padding === 'SAME'
      ? Math.floor((input + stride - 1) / stride)
      : Math.floor((input - kernel + stride) / stride);
  const total = Math.max(0, (output - 1) * stride + kernel - input);
  return { output, padding: Math.floor(total / 2) };
}

export interface AddParameters {
  left_shift: number;
  input1_multiplier: number;
  input1_shift: number;
  input2_multiplier: number;
  input2_shift: number;
  output_multiplier: number;
  output_shift: number;
  [member: string]: number;
}

const ADD_LEFT_SHIFT = 20;

/** ADD: both inputs are brought to twice the larger scale, in 20 more bits. */
export function addParameters(input1: number, input2: number, output: number): AddParameters {
  const twiceMax = 2 * Math.max(input1, input2);
  const first = quantizeMultiplier(input1 / twiceMax);
  const second = quantizeMultiplier(input2 / twiceMax);
  const sum = quantizeMultiplier(twiceMax / (2 ** ADD_LEFT_SHIFT * output));
  return {
    left_shift: ADD_LEFT_SHIFT,
    input1_multiplier: first.multiplier,
    input1_shift: first.shift,
    input2_multiplier: second.multiplier,
    input2_shift: second.shift,
    output_multiplier: sum.multiplier,
    output_shift: sum.shift,
  };
}

const SOFTMAX_INTEGER_BITS = 5;

/** Smallest beta * input scale for which the fixed-point softmax is defined. */
export const SOFTMAX_LEAST_SCALE = 2 ** -(31 - SOFTMAX_INTEGER_BITS);

export interface SoftmaxParameters {
  multiplier: number;
  left_shift: number;
  diff_min: number;
  [member: string]: number;
}

/** SOFTMAX: PreprocessSoftmaxScaling and CalculateInputRadius with 5 integer bits. */
export function softmaxParameters(beta: number, inputScale: number): SoftmaxParameters {
  const scaled = Math.min(beta * inputScale * 2 ** (31 - SOFTMAX_INTEGER_BITS), 2 ** 31 - 1);
  const { multiplier, shift } = quantizeMultiplier(scaled);
  const radius = Math.floor(
    ((2 ** SOFTMAX_INTEGER_BITS - 1) * 2 ** (31 - SOFTMAX_INTEGER_BITS)) / 2 ** shift,
  );
  return { multiplier, left_shift: shift, diff_min: -radius };
}
