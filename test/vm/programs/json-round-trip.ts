import * as ds from '@devicescript/core';

const v = {
  name: 'sensor',
  values: [1, 2.5, -3e10, 0.001],
  nested: { on: true, off: false, none: null as any },
  list: [[], {}, ''],
};
const text = JSON.stringify(v);
console.log(text);
const back = JSON.parse(text);
console.log(back);
console.log(JSON.stringify(back) === text, back.nested.on, back.values[2], back.list.length);
let deep: any = 0;
for (let i = 0; i < 8; ++i) deep = { d: deep, l: [i] };
console.log(JSON.stringify(deep));
console.log(JSON.stringify(JSON.parse(JSON.stringify(deep))) === JSON.stringify(deep));
