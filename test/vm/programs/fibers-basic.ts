import * as ds from '@devicescript/core';

async function worker(name: string, n: number) {
  for (let i = 0; i < n; ++i) {
    console.log(name, i);
    await ds.sleep(10);
  }
  console.log(name, 'done');
}
worker.start('a', 3);
worker.start('b', 2);
console.log('main');
await ds.sleep(100);
console.log('end');
