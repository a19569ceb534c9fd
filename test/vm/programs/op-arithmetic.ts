import * as ds from '@devicescript/core';

function id(x: any): any {
  return x;
}
const pairs: number[][] = [
  [7, 3],
  [-7, 3],
  [7, -3],
  [0, 5],
  [5, 0],
  [0.5, 0.25],
  [2147483647, 1],
  [-2147483648, -1],
  [65536, 65536],
  [1e10, 3],
  [NaN, 1],
  [Infinity, Infinity],
];
for (const p of pairs) {
  const a = id(p[0]);
  const b = id(p[1]);
  console.log('pair', a, b);
  console.log(a + b, a - b, a * b);
  console.log(a / b, a % b);
  console.log(-a, +a, Math.abs(a));
}
