import * as ds from '@devicescript/core';

function id(x: any): any {
  return x;
}
const values: any[] = [
  0,
  1,
  -1,
  0.5,
  NaN,
  Infinity,
  -Infinity,
  'a',
  'b',
  '',
  true,
  false,
  null,
  undefined,
];
for (let i = 0; i < values.length; ++i) {
  for (let j = 0; j < values.length; ++j) {
    const a = id(values[i]);
    const b = id(values[j]);
    console.log(i, j, a === b, a !== b, a < b, a <= b);
  }
}
