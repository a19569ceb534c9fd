import * as ds from '@devicescript/core';

let s = '';
for (let i = 0; i < 2000; ++i) {
  s = 'abc' + i + s.slice(0, 50);
}
console.log(s.length, s);
let n = 0;
for (let i = 0; i < 1000; ++i) {
  const t = `number ${i} of ${i * 2}`;
  if (t.indexOf('99') >= 0) n++;
}
console.log(n);
const map: any = {};
for (let i = 0; i < 50; ++i) map['k' + (i % 10)] = 'v' + i;
console.log(map);
