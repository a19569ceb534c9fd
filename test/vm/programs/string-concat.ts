import * as ds from '@devicescript/core';

let s = '';
for (let i = 0; i < 30; ++i) s += i + ',';
console.log(s, s.length);
console.log('a' + 1 + 2, 1 + 2 + 'a');
console.log('x' + true + null + undefined);
console.log('y' + 1.5 + NaN);
console.log(`${1}${'b'}${[1, 2]}${{ a: 1 }}`);
const t = 'tpl';
const n = 2;
console.log(`a ${t} b ${n + 1} c ${t.length}`);
const things: any[] = [[], {}, [1, [2, 3]], () => 1];
for (const x of things) console.log('' + x);
console.log('q"uote\'s', 'new\\nline', 'tab\\t');
