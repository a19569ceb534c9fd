import * as ds from '@devicescript/core';

const o: any = {};
for (const n of [
  'length',
  'push',
  'map',
  'constructor',
  'prototype',
  'name',
  'message',
  'toString',
  '__proto__',
  'x',
]) {
  console.log(n, o[n] === undefined);
}
const p: any = { length: 5, name: 'n', message: 'm', push: 1 };
console.log(p.length, p.name, p.message, p.push, p);
console.log(Object.keys(p));
