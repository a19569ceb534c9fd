import * as ds from '@devicescript/core';

const o: any = {};
for (let i = 0; i < 60; ++i) o['key' + i] = i;
console.log(Object.keys(o).length, o.key0, o.key31, o.key59, o.key60);
for (let i = 0; i < 60; i += 2) delete o['key' + i];
console.log(Object.keys(o).length, o.key0, o.key31, o.key59);
let sum = 0;
for (const v of Object.values(o) as number[]) sum += v;
console.log(sum);
for (let i = 0; i < 10; ++i) o['key' + i] = -i;
console.log(Object.keys(o).join(' '));
