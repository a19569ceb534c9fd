import * as ds from '@devicescript/core';

// patch: typeof_str typeof
function patchedTypeof(x: any): any {
  return typeof x;
}
const values: any[] = [
  1,
  'a',
  {},
  [],
  hex`01`,
  true,
  null,
  undefined,
  patchedTypeof,
  new ds.Button('b'),
  1.5,
  ds.Fiber.self(),
];
for (const v of values) console.log(patchedTypeof(v));
