import * as ds from '@devicescript/core';

let o: any = 'x';
for (let i = 0; i < 12; ++i) o = { v: o };
console.log(o);
let a: any = 1;
for (let i = 0; i < 12; ++i) a = [a, i];
console.log(a);
const wide: any = { s: 'x', list: [] as any[] };
for (let i = 0; i < 15; ++i) wide.list.push({ i, name: 'n' + i });
console.log(wide);
console.log([undefined, null, NaN, Infinity, -0.5, true]);
console.log({ 'a-b': 1, a_b: 2, '1a': 3, a1: 4, ä: 5, '': 6 });
console.log([hex`00`, [hex``], { h: hex`ff` }]);
