import * as ds from '@devicescript/core';

function id(x: any): any {
  return x;
}
for (const v of [Infinity, -Infinity, NaN, 1e300, -1e300, 4294967296, 9007199254740993]) {
  const a = id(v);
  console.log(v, a | 0, a >>> 0, ~a, a & 255);
  console.log(a << 1, a >> 1, a ^ 1, Math.floor(a), Math.imul(a, 3));
  console.log(Math.idiv(a, 2), a % 7, a + 1, a * 0, a - a);
}
