import * as ds from '@devicescript/core';

async function add(a: number, b: number) {
  await ds.sleep(5);
  return a + b;
}
console.log(await add(1, 2));
const r = (await add(3, 4)) * (await add(1, 1));
console.log(r);
async function chain(n: number): Promise<number> {
  if (n === 0) return 0;
  await ds.sleep(1);
  return 1 + (await chain(n - 1));
}
console.log(await chain(10));
