import * as ds from '@devicescript/core';

let n = 0;
for (let i = 0; i < 10; ++i) {
  if (i === 3) continue;
  if (i === 8) break;
  n += i;
}
console.log(n);
let k = 10;
while (k > 0) {
  k -= 3;
  if (k < 3) break;
}
console.log(k);
while (true) {
  k++;
  if (k >= 20) break;
}
console.log(k);
for (let i = 0; i < 5; ++i) {
  for (let j = 0; j < 5; ++j) {
    if (j === 2) break;
    if (i === 3) continue;
    console.log(i, j);
  }
}
