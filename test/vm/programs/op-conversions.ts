import * as ds from '@devicescript/core';

function id(x: any): any {
  return x;
}
const values: any[] = ['12', '-3.5', '', ' 7 ', 'x', '0x10', true, false, null, undefined, [], {}];
for (const v of values) {
  console.log(v, +id(v), -id(v));
  console.log(id(v) | 0, id(v) >>> 0, ~id(v));
  console.log(id(v) - 1, id(v) * 2, id(v) / 2);
}
