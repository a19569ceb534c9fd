import * as ds from '@devicescript/core';

const log: string[] = [];
function at(ms: number, s: string) {
  setTimeout(() => {
    log.push(s + ms);
  }, ms);
}
for (const ms of [30, 10, 50, 20, 40, 10, 30, 0, 1, 2]) at(ms, 't');
await ds.sleep(25);
at(5, 'u');
at(1, 'u');
await ds.sleep(100);
console.log(log.join(' '));
