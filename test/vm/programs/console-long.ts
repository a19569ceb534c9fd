import * as ds from '@devicescript/core';

let s = '';
for (let i = 0; i < 40; ++i) s += 'abcdefghij';
console.log(s);
console.log('before ' + s.slice(0, 100) + ' after');
console.log({ text: s });
const strings: string[] = [];
for (let i = 0; i < 20; ++i) strings.push(s.slice(0, i * 5));
console.log(strings);
console.log(Buffer.alloc(100));
console.log({ b: Buffer.alloc(40) });
