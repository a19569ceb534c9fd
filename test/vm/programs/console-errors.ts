import * as ds from '@devicescript/core';

console.log(new Error('message'), [new TypeError('t')], { e: new RangeError('r') });
const e: any = new Error('with extras');
e.code = 5;
console.log(e, e.code, Object.keys(e));
console.log('' + new Error('as text'));
console.log(e.name, e.message, e.stack === undefined, e.cause === undefined, typeof e.__stack__);
e.name = 'Renamed';
e.print();
