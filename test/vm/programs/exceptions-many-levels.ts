import * as ds from '@devicescript/core';

function f(n: number): number {
  try {
    if (n === 0) throw new Error('bottom');
    return f(n - 1);
  } catch (e) {
    if (n % 3 === 0) throw new Error((e as Error).message + n);
    return n * 100;
  } finally {
    if (n === 7) console.log('seven');
  }
}
for (let i = 0; i < 10; ++i) {
  try {
    console.log(i, f(i));
  } catch (e) {
    console.log(i, 'threw', (e as Error).message);
  }
}
