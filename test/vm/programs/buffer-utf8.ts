import * as ds from '@devicescript/core';

const s = 'aä日😀';
const b = Buffer.from(s);
console.log(b, b.length, b.toString() === s);
console.log(hex`ff fe 41`.toString(), hex`c3`.toString(), hex`e2 82`.toString());
console.log(hex`c3a4 41`.toString().length, hex`00 41 00`.toString().length);
console.log(Buffer.from('').length, Buffer.alloc(0).toString() === '', Buffer.alloc(0));
console.log(hex`f0 9f 98 80`.toString());
