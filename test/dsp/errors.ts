/** Figures of the difference between two lists of coefficients. */
export interface CoefficientError {
  max: number;
  rms: number;
}

export function coefficientError(a: Float64Array, b: ArrayLike<number>): CoefficientError {
  let max = 0;
  let sum = 0;
  a.forEach((x, i) => {
    const d = Math.abs(x - b[i]!);
    // Written so that NaN counts as the largest error.
    if (!(d <= max)) max = d;
    sum += d * d;
  });
  return { max, rms: Math.sqrt(sum / a.length) };
}
