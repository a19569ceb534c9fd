import * as ds from '@devicescript/core';

async function worker() {
  await ds.sleep(10);
  throw new Error('in fiber');
}
worker.start();
console.log('main goes on');
await ds.sleep(100);
console.log('not reached');
