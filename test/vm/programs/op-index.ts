import * as ds from '@devicescript/core';

const a: any = [10, 20, 30];
console.log(a[0], a[2], a[3], a[-1], a['1'], a[1.5]);
const s: any = 'héllo';
console.log(s[0], s[1], s[4], s[5], s[-1]);
const b: any = hex`0102ff`;
console.log(b[0], b[2], b[3]);
const o: any = { x: 1, '2': 'two' };
console.log(o['x'], o['y'], o['2']);
a[5] = 60;
console.log(a, a.length);
o['z'] = 3;
o['x'] = undefined;
console.log(o);
delete o['2'];
console.log(o, Object.keys(o));
