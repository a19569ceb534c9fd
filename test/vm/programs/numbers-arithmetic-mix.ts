import * as ds from '@devicescript/core';

let x = 0.5;
for (let i = 0; i < 30; ++i) {
  x = x * 3.7 * (1 - x);
  console.log(i, x);
}
let a = 0;
let b = 1;
for (let i = 0; i < 80; ++i) {
  const t = a + b;
  a = b;
  b = t;
  if (i % 8 === 7) console.log(i, b, b % 1000, (b / 3) | 0);
}
console.log(0.1 + 0.2 === 0.3, 0.1 + 0.2, 1e16 + 1 === 1e16, 5 === 5.0, -0 === 0);
