import * as ds from '@devicescript/core';

const roles = [
  new ds.Button('b1'),
  new ds.Button('b2'),
  new ds.Relay('r'),
  new ds.Temperature('t'),
  new ds.LightLevel('l'),
];
for (const r of roles) console.log(r, r.isBound, r.spec.name);
const a: any = roles[0];
const b: any = roles[1];
a.tag = 'a';
b.tag = 'b';
console.log(a.tag, b.tag, a === b, a === roles[0]);
console.log(a.reading === a.reading, a.down === b.down);
console.log(a.reading.name, a.reading.code, a.reading.role === a, a.down.code);
console.log(Object.keys(a), Object.keys(b).length);
