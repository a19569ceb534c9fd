import * as ds from '@devicescript/core';

console.log(Math.PI, Math.E, Math.LN2, Math.LN10);
console.log(Math.LOG2E, Math.LOG10E, Math.SQRT2, Math.SQRT1_2);
const xs = [0, 1, 2, 10, 0.5, 100, 1e-5, 12345.678];
for (const x of xs) {
  console.log(x, Math.sqrt(x), Math.cbrt(x), Math.exp(x < 50 ? x : 1));
  console.log(Math.log(x), Math.log2(x), Math.log10(x));
}
console.log(Math.log(-1), Math.sqrt(-1), Math.log(0));
for (const x of [2, -2, 0.5, 10])
  console.log(Math.pow(x, 0), Math.pow(x, 2), Math.pow(x, -1), Math.pow(x, 0.5), Math.pow(x, 10));
console.log(2 ** 10, 2 ** -1, 2 ** 0.5, (-2) ** 3);
console.log(
  Math.pow(0, 0),
  Math.pow(0, -1),
  Math.pow(NaN, 0),
  Math.pow(Infinity, -1),
  Math.pow(1e200, 2),
);
