import * as ds from '@devicescript/core';

const log: number[] = [];
function later(i: number) {
  setTimeout(
    () => {
      log.push(i);
    },
    50 - i * 10,
  );
}
for (let i = 0; i < 5; ++i) later(i);
await ds.sleep(100);
console.log(log);
