import * as ds from '@devicescript/core';

function popcount(x: number) {
  let n = 0;
  while (x) {
    x &= x - 1;
    n++;
  }
  return n;
}
for (const x of [0, 1, 255, -1, 0x55555555])
  console.log(x, popcount(x), x >> 31, x >>> 31, x << 31);
let lfsr = 0xace1;
const out: number[] = [];
for (let i = 0; i < 20; ++i) {
  const bit = (lfsr ^ (lfsr >> 2) ^ (lfsr >> 3) ^ (lfsr >> 5)) & 1;
  lfsr = (lfsr >> 1) | (bit << 15);
  out.push(lfsr);
}
console.log(out);
for (let s = -2; s < 36; s += 3) console.log(s, 1 << s, -256 >> s, -256 >>> s);
