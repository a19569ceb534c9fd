import * as ds from '@devicescript/core';

function id(x: any): any {
  return x;
}
const values: any[] = [3, 4, -2.5, NaN, 'abc', 'abd', 'ab', 'é', true];
for (const a of values) for (const b of values) console.log(a, b, id(a) > id(b), id(a) >= id(b));
