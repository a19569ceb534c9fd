import * as ds from '@devicescript/core';

function id(x: any): any {
  return x;
}
class A {}
function f() {
  return 1;
}
const values: any[] = [
  0,
  1.5,
  NaN,
  '',
  'a',
  null,
  undefined,
  true,
  [],
  {},
  f,
  new A(),
  A,
  hex`01`,
  ds,
  Math,
  () => 1,
];
for (const v of values) console.log(typeof id(v));
console.log(typeof id(1) === 'number', typeof id('a') === 'string', typeof id(f) === 'function');
console.log(
  typeof id({}) === 'object',
  typeof id(undefined) === 'undefined',
  typeof id(true) === 'boolean',
);
