import * as ds from '@devicescript/core';

function id(x: any): any {
  return x;
}
const values = [
  0,
  1,
  -1,
  255,
  256,
  65535,
  2147483647,
  -2147483648,
  4294967295,
  3.7,
  -3.7,
  1e12,
  NaN,
];
for (const v of values) {
  const a = id(v);
  console.log('value', a, ~a, a | 0, a >>> 0);
  console.log(a & 255, a | 3, a ^ -1);
  console.log(a << 4, a >> 4, a >>> 4);
  console.log(a << 33, a >> 33, a >>> 33);
}
let acc = 1;
acc <<= 5;
acc |= 3;
acc &= 0x22;
acc ^= 0xff;
acc >>= 1;
acc >>>= 1;
console.log(acc);
