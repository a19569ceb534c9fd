import * as ds from '@devicescript/core';

const b = Buffer.alloc(8);
console.log(b, b.length);
b[0] = 1;
b[1] = 255;
b[2] = 256;
b[3] = -1;
b[4] = 3.7;
console.log(b, b[0], b[3], b[100]);
console.log(
  b.toString(),
  b.toString('hex'),
  Buffer.from('abc').toString(),
  Buffer.from('abc').toString('utf-8'),
);
console.log(
  Buffer.from('häß'),
  Buffer.from('0a1bFF', 'hex'),
  Buffer.from([1, 2, 300, -1]),
  Buffer.from(hex`0102`),
);
console.log(Buffer.concat(hex`01`, hex`02 03`, Buffer.alloc(1)), hex`0102`.concat(hex`03`));
console.log(hex`010203040506`.slice(1, 3), hex`010203`.slice(2), hex`010203`.slice());
