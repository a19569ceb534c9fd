import * as ds from '@devicescript/core';

console.log(new Array(3), new Array(1, 2, 3), new Array());
console.log(Array.isArray([]), Array.isArray({}), Array.isArray('a'), Array.isArray(undefined));
const a = new Array<number>(2);
a[0] = 1;
a[5] = 6;
console.log(a, a.length);
console.log(Array.isArray(hex`01`), Array.isArray(null));
const b: any = [];
b['name'] = 'n';
console.log(b.name, b, b.length, Object.keys(b));
