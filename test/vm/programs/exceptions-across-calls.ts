import * as ds from '@devicescript/core';

let steps = '';
function a(n: number): number {
  try {
    return b(n) + 1;
  } finally {
    steps += 'a';
  }
}
function b(n: number): number {
  try {
    return c(n) + 1;
  } finally {
    steps += 'b';
  }
}
function c(n: number): number {
  if (n > 2) throw new RangeError('n is ' + n);
  return n;
}
for (let i = 0; i < 5; ++i) {
  try {
    console.log(a(i));
  } catch (e) {
    console.log('caught', (e as Error).message);
  }
}
console.log(steps);
