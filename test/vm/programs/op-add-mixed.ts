import * as ds from '@devicescript/core';

function id(x: any): any {
  return x;
}
const values: any[] = [1, 1.5, 'a', true, null, undefined, [1, 2], { a: 1 }, NaN];
for (const a of values) for (const b of values) console.log(id(a) + id(b));
