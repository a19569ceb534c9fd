import * as ds from '@devicescript/core';

function id(x: any): any {
  return x;
}
const values: any[] = [0, 1, -1, NaN, '', 'a', '0', null, undefined, true, false, [], {}];
for (const v of values) {
  const a = id(v);
  console.log(!a, !!a, a ? 'yes' : 'no');
  console.log(a && 'and', a || 'or', a ?? 'nullish');
}
