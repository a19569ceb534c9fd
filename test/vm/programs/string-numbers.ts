import * as ds from '@devicescript/core';

for (const n of [0, -0, 1.5, -1.5, 1e21, NaN, Infinity, 123456789, 0.000001]) {
  const s = '' + n;
  console.log(s, s.length, s[0], parseFloat(s) === n);
}
let total = '';
for (let i = -5; i < 15; ++i) total += i;
console.log(total, total.length);
