import * as ds from '@devicescript/core';

let done = 0;
async function f(i: number) {
  await ds.sleep(i % 7);
  done++;
}
for (let i = 0; i < 40; ++i) f.start(i);
await ds.sleep(100);
console.log(done);
