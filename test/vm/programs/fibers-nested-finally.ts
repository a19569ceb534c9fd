import * as ds from '@devicescript/core';

const log: string[] = [];
async function inner(n: number) {
  try {
    await ds.sleep(n);
    if (n === 2) throw new Error('two');
    return n;
  } finally {
    log.push('f' + n);
    await ds.sleep(1);
    log.push('g' + n);
  }
}
async function outer() {
  let sum = 0;
  for (let i = 1; i < 4; ++i) {
    try {
      sum += await inner(i);
    } catch (e) {
      log.push('c' + (e as Error).message);
    }
  }
  return sum;
}
console.log(await outer());
console.log(log.join(' '));
