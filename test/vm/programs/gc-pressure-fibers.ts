import * as ds from '@devicescript/core';

let total = 0;
async function f(i: number) {
  const data = Buffer.alloc(50);
  data[0] = i & 0xff;
  await ds.sleep(2);
  total += data[0];
}
for (let round = 0; round < 30; ++round) {
  for (let i = 0; i < 8; ++i) f.start(round * 8 + i);
  await ds.sleep(10);
}
console.log(total);
