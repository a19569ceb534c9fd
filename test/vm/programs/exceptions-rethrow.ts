import * as ds from '@devicescript/core';

let log: string[] = [];
function f(n: number) {
  try {
    throw new Error('e' + n);
  } catch (e) {
    log.push('c' + n);
    if (n > 0) f(n - 1);
    throw e;
  } finally {
    log.push('f' + n);
  }
}
try {
  f(3);
} catch (e) {
  console.log((e as Error).message);
}
console.log(log);
