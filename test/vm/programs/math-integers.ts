import * as ds from '@devicescript/core';

let x = 1;
for (let i = 0; i < 40; ++i) {
  x = x * 3 + 1;
  if (i % 4 === 0) console.log(i, x, x | 0, x >>> 0);
}
let f = 1;
for (let i = 1; i <= 25; ++i) {
  f *= i;
  console.log(i, f);
}
let h = 5381;
for (let i = 0; i < 20; ++i) h = (Math.imul(h, 33) + i) | 0;
console.log(h);
console.log(2147483647 + 1, -2147483648 - 1, 2147483647 * 2, 46341 * 46341);
console.log((2147483647 + 1) | 0, (4294967296 * 5 + 3) | 0, 4294967295 >>> 0, -1 >>> 0);
