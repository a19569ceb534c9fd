import * as ds from '@devicescript/core';

function id(x: any): any {
  return x;
}
for (const v of [0, NaN, Infinity, '1'] as any[]) console.log(v, isNaN(id(v)));
