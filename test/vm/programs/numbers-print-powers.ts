import * as ds from '@devicescript/core';

let x = 1;
let y = 1;
for (let i = 0; i < 40; ++i) {
  x *= 10;
  y /= 10;
  console.log(i, x, y);
}
let p = 1;
let q = 1;
for (let i = 0; i < 70; ++i) {
  p *= 2;
  q /= 2;
  console.log(i, p, q);
}
