import * as ds from '@devicescript/core';

const values: any[] = [
  0,
  1.5,
  -3,
  1e21,
  1e-7,
  NaN,
  Infinity,
  true,
  false,
  null,
  undefined,
  '',
  'text',
  'quo"te',
  'back\\slash',
  'new\nline\ttab',
  [],
  [1, 2, [3]],
  {},
  { a: 1 },
  { 'odd key': 1, b: [true, null], c: { d: 'e' } },
  [null],
  { n: null },
  hex`0102`,
  () => 1,
];
values.forEach((v) => {
  console.log(JSON.stringify(v));
});
