import * as ds from '@devicescript/core';

const log: string[] = [];
setTimeout(async () => {
  log.push('a1');
  await ds.sleep(20);
  log.push('a2');
}, 5);
setTimeout(async () => {
  log.push('b1');
  await ds.sleep(5);
  log.push('b2');
}, 10);
await ds.sleep(60);
console.log(log);
