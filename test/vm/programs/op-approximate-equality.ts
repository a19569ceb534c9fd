import * as ds from '@devicescript/core';

function id(x: any): any {
  return x;
}
const values: any[] = [null, undefined, 0, '', false, 'x', 1];
for (const a of values) {
  console.log(a, id(a) == null, id(a) != null, id(a) == undefined, id(a) != undefined);
}
