import * as ds from '@devicescript/core';

const spec: any = ds.Echo.spec;
const names = [
  'number',
  'point',
  'list',
  'add',
  'swap',
  'total',
  'quiet',
  'plain',
  'value',
  'pair',
  'never',
  'statusCode',
  'instanceName',
];
names.forEach((n) => {
  const p = spec.lookup(n);
  console.log(n, p, p && p.code, p && p.type, p && p.response);
});
for (const code of [0x80, 0x1080, 0x2080, 0x8080, 0x8180, 0x1180, 0x83, 0x1003, 0])
  console.log(code, spec.byCode(code));
