import * as ds from '@devicescript/core';

import { SequentialWorker } from '@devicescript/runtime';
const w = new SequentialWorker();
const log: string[] = [];
for (let i = 0; i < 5; ++i) job(i);
function job(i: number) {
  w.queue(async () => {
    log.push('s' + i);
    await ds.sleep(5);
    log.push('e' + i);
  });
}
await ds.sleep(200);
console.log(log.join(' '));
