import * as ds from '@devicescript/core';

const v = { a: 1, b: [1, 2, { c: 'd' }], e: {}, f: [] as any[], g: null as any };
console.log(JSON.stringify(v, undefined, 2));
console.log(JSON.stringify(v, undefined, 4));
console.log(JSON.stringify([1, [2]], undefined, 1));
console.log(JSON.stringify('x', undefined, 2), JSON.stringify(v, undefined, 0));
