/**
 * Fixed-point arithmetic of the TensorFlow Lite INT8 specification (the double-rounding rules of its
 * reference kernels), in BigInt so that every step is exact and no width can be got wrong.
 * Facts from the TFLite quantisation specification and the gemmlowp fixed-point documentation.
 */

const INT32_MAX = 2147483647n;
const INT32_MIN = -2147483648n;

const saturate = (x: bigint): bigint => (x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : x);
const wrap = (x: bigint): bigint => BigInt.asIntN(32, x);

/** The high half of 2·a·b, rounded to nearest with ties away from zero; saturates for min·min. */
export function roundingDoublingHighMul(a: bigint, b: bigint): bigint {
  if (a === INT32_MIN && b === INT32_MIN) return INT32_MAX;
  const product = a * b;
  const nudge = product >= 0n ? 1n << 30n : 1n - (1n << 30n);
  return (product + nudge) / (1n << 31n); // BigInt division truncates towards zero, as in C.
}

/** x / 2^exponent, rounded to nearest with ties away from zero. */
export function roundingDivideByPowerOfTwo(x: bigint, exponent: number): bigint {
  const mask = (1n << BigInt(exponent)) - 1n;
  const threshold = (mask >> 1n) + (x < 0n ? 1n : 0n);
  return (x >> BigInt(exponent)) + ((x & mask) > threshold ? 1n : 0n);
}

/** A positive real as multiplier · 2^(shift - 31) with the multiplier in [2^30, 2^31). */
export interface Scale {
  multiplier: bigint;
  shift: number;
  /** What it stands for. */
  real: number;
}

export function quantiseScale(real: number): Scale {
  if (real === 0) return { multiplier: 0n, shift: 0, real };
  let shift = 0;
  let fraction = real;
  // frexp: scaling by two is exact.
  while (fraction >= 1) [fraction, shift] = [fraction / 2, shift + 1];
  while (fraction < 0.5) [fraction, shift] = [fraction * 2, shift - 1];
  let fixed = Math.round(fraction * 2 ** 31);
  if (fixed === 2 ** 31) [fixed, shift] = [fixed / 2, shift + 1];
  return shift < -31
    ? { multiplier: 0n, shift: 0, real }
    : { multiplier: BigInt(fixed), shift, real };
}

/** x times a scale with the two roundings of the reference kernels. */
export function multiplyByScale(x: bigint, scale: Scale): bigint {
  const left = Math.max(scale.shift, 0);
  const right = Math.max(-scale.shift, 0);
  const shifted = wrap(x << BigInt(left));
  return roundingDivideByPowerOfTwo(roundingDoublingHighMul(shifted, scale.multiplier), right);
}

/**
 * x times a scale rounded once, ties upwards: not the specification but what ruy, the matrix library
 * inside an optimised TensorFlow Lite, does. Only used to explain where a runtime differs.
 */
export function multiplyByScaleOnce(x: bigint, scale: Scale): bigint {
  const shift = BigInt(31 - scale.shift);
  return saturate((x * scale.multiplier + (1n << (shift - 1n))) >> shift);
}

/** x times a scale in single precision, ties to even: what XNNPACK does; for explanation, too. */
export function multiplyByScaleInFloat(x: bigint, scale: Scale): bigint {
  const product = Math.fround(Math.fround(Number(x)) * Math.fround(scale.real));
  const below = Math.floor(product);
  const rest = product - below;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 !== 0);
  return BigInt(up ? below + 1 : below);
}

/** x · 2^exponent, saturating (exponent >= 0). */
const shiftUp = (x: bigint, exponent: number): bigint => saturate(x << BigInt(exponent));

const mul = roundingDoublingHighMul;

/** exp(a) for a in [-1/4, 0), Q0.31 both: a Taylor series around -1/8. */
function expQuarter(a: bigint): bigint {
  const expOfMinusOneEighth = 1895147668n;
  const third = 715827883n;
  const x = a + (1n << 28n);
  const x2 = mul(x, x);
  const x3 = mul(x2, x);
  const x4Over4 = roundingDivideByPowerOfTwo(mul(x2, x2), 2);
  const tail = roundingDivideByPowerOfTwo(mul(x4Over4 + x3, third) + x2, 1);
  return wrap(expOfMinusOneEighth + mul(expOfMinusOneEighth, x + tail));
}

/** exp(-1/4), exp(-1/2), exp(-1) … exp(-16) in Q0.31. */
const EXP_OF_POWERS = [
  1672461947n,
  1302514674n,
  790015084n,
  290630308n,
  39332535n,
  720401n,
  242n,
] as const;

/** exp(a) for a <= 0: Q5.26 in, Q0.31 out. */
export function expOfNegative(a: bigint): bigint {
  if (a === 0n) return INT32_MAX;
  const quarter = 1n << 24n;
  const rest = (a & (quarter - 1n)) - quarter;
  const wholeQuarters = rest - a;
  let result = expQuarter(shiftUp(rest, 5));
  EXP_OF_POWERS.forEach((factor, bit) => {
    if (wholeQuarters & (1n << BigInt(24 + bit))) result = mul(result, factor);
  });
  return result;
}

/** 1 / (1 + x) for x in [0, 1), Q0.31 both: three Newton-Raphson steps in Q2.29. */
export function reciprocalOfOnePlus(x: bigint): bigint {
  const sum = x + INT32_MAX;
  const halfDenominator = (sum + (sum >= 0n ? 1n : -1n)) / 2n;
  let guess = 1515870810n + mul(halfDenominator, -1010580540n); // 48/17 - 32/17 · d
  for (let step = 0; step < 3; step++) {
    const error = (1n << 29n) - mul(halfDenominator, guess);
    guess = wrap(guess + shiftUp(mul(guess, error), 2));
  }
  return shiftUp(guess, 1);
}
