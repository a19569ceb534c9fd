import * as ds from '@devicescript/core';

for (const x of [
  0.5,
  1.5,
  2.5,
  -0.5,
  -1.5,
  -2.5,
  0.49999999,
  1e9 + 0.5,
  -1e9 - 0.5,
  2147483647.5,
  -2147483648.5,
  1e20,
  NaN,
]) {
  console.log(x, Math.round(x), Math.floor(x), Math.ceil(x), x | 0);
}
console.log(
  Math.idiv(2147483647, -1),
  Math.idiv(-2147483648, 1),
  Math.idiv(5, -2),
  Math.idiv(1e12, 7),
  Math.idiv(NaN, 1),
);
console.log(5.5 % 2, -5.5 % 2, 5 % -3, 1e12 % 7);
