import * as ds from '@devicescript/core';

const n: any = 5;
console.log(n.toString, n.foo, (1.5 as any).length);
const t: any = true;
console.log(t.x, t.toString);
console.log(isNaN(NaN), isNaN(5));
