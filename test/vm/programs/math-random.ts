import * as ds from '@devicescript/core';

let inRange = true;
let different = false;
const first = Math.random();
for (let i = 0; i < 50; ++i) {
  const r = Math.random();
  if (!(r >= 0 && r < 1)) inRange = false;
  if (r !== first) different = true;
  const n = Math.randomInt(10);
  if (!(n >= 0 && n <= 10 && n === Math.floor(n))) inRange = false;
}
console.log(inRange, different);
console.log(Math.randomInt(0), typeof Math.random());
