import * as ds from '@devicescript/core';

const log: string[] = [];
async function f(name: string, ms: number) {
  log.push(name + '+');
  await ds.sleep(ms);
  log.push(name + '-');
}
f.start('a', 30);
f.start('b', 10);
f.start('c', 20);
f.start('d', 10);
log.push('main');
await ds.sleep(15);
log.push('m15');
await ds.sleep(100);
console.log(log.join(' '));
