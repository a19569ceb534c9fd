import * as ds from '@devicescript/core';

const o: any = { a: 1, b: 'two', c: [3], d: { e: 4 } };
console.log(o);
console.log(Object.keys(o), Object.values(o));
o.f = 6;
delete o.b;
o['g h'] = 8;
console.log(o, Object.keys(o).length);
console.log(o.missing, o.d.e, o['c'][0]);
const p = Object.assign({ z: 0, a: 0 }, o);
console.log(p);
console.log(Object.assign(p, { a: 9 }).a);
const empty = {};
console.log(empty, Object.keys(empty), Object.values(empty));
console.log(Object.values([4, 5]), Object.keys([4, 5]));
