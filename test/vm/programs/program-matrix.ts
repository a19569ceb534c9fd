import * as ds from '@devicescript/core';

function multiply(a: number[][], b: number[][]) {
  const n = a.length;
  const r: number[][] = [];
  for (let i = 0; i < n; ++i) {
    const row: number[] = [];
    for (let j = 0; j < n; ++j) {
      let s = 0;
      for (let k = 0; k < n; ++k) s += a[i][k] * b[k][j];
      row.push(s);
    }
    r.push(row);
  }
  return r;
}
let m = [
  [1, 2, 0.5],
  [0, 1, -1],
  [3, 0.25, 2],
];
const base = m;
for (let i = 0; i < 6; ++i) m = multiply(m, base);
for (const row of m) console.log(row);
