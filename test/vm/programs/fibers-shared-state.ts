import * as ds from '@devicescript/core';

let count = 0;
let running = 0;
let most = 0;
async function work(n: number) {
  running++;
  if (running > most) most = running;
  for (let i = 0; i < n; ++i) {
    count++;
    await ds.sleep(3);
  }
  running--;
}
for (let i = 0; i < 6; ++i) work.start(i + 1);
while (running > 0 || count === 0) await ds.sleep(5);
console.log(count, most, running);
