import * as ds from '@devicescript/core';

function thrower(x: any) {
  throw x;
}
for (const v of [
  1,
  'text',
  null,
  undefined,
  { a: 1 },
  [1],
  new Error('e'),
  new TypeError('t'),
] as any[]) {
  try {
    thrower(v);
    console.log('not here');
  } catch (e) {
    console.log('caught', e);
  }
}
try {
  throw new RangeError('out');
} catch (e) {
  const error = e as Error;
  console.log(
    error.name,
    error.message,
    error instanceof RangeError,
    error instanceof Error,
    error instanceof TypeError,
  );
}
