import * as ds from '@devicescript/core';

const words = ['pear', 'apple', 'fig', 'Apple', 'äpfel', 'zoo', '', 'app', '日', '😀'];
console.log(words.sort());
for (const a of ['a', 'ab', 'b', ''])
  for (const b of ['a', 'ab', 'b', '']) console.log(a, b, a < b, a === b);
const built = 'ap' + 'ple';
console.log(built === 'apple', built === 'Apple', 'x' + built === 'xapple');
