import * as ds from '@devicescript/core';

console.log({ a: { b: { c: { d: { e: 1 } } } } });
console.log([[[[[1]]]]]);
console.log({ a: [1, { b: [2, { c: [3] }] }] });
console.log({ s: 'text', n: null, u: undefined, t: true, f: 1.5 });
console.log(['a', ['b', ["c'd", 'e"f']]]);
console.log({ f: () => 1, g: Math.abs, b: hex`010203` });
const many: any = {};
for (let i = 0; i < 30; ++i) many['k' + i] = i;
console.log(many);
const list: number[] = [];
for (let i = 0; i < 60; ++i) list.push(i);
console.log(list);
