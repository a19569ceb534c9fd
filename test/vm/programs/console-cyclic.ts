import * as ds from '@devicescript/core';

const a: any = { name: 'a' };
const b: any = { name: 'b', a };
a.b = b;
console.log(b.a.b.name);
const list: any[] = [1];
list.push(list);
console.log(list.length, list[1][1][0]);
