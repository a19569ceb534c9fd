import * as ds from '@devicescript/core';

function id(x: any): any {
  return x;
}
const values: any[] = [
  0.1,
  0.5,
  -0.5,
  1.5,
  4294967296,
  2147483648,
  -2147483649,
  1e20,
  1e-300,
  Infinity,
  -Infinity,
  NaN,
];
for (const v of values) {
  console.log(v, !id(v), !!id(v), id(v) ? 'yes' : 'no', id(v) && 1, id(v) || 2);
  if (id(v)) console.log('taken');
}
