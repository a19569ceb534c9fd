import * as ds from '@devicescript/core';

const b: any = Buffer.alloc(2);
b.label = 'mine';
console.log(b.label, b.other, b, Object.keys(b));
const c: any = hex`0102`;
console.log(c.length, c[0], c[1], c[2], c['length']);
console.log(c === c, c === hex`0102`, hex`01` === hex`02`);
console.log(b.buffer, typeof b, b instanceof Buffer, c instanceof Buffer);
