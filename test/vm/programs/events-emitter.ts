import * as ds from '@devicescript/core';

const e = ds.emitter<number>();
const log: string[] = [];
const off = e.subscribe((v) => {
  log.push('first ' + v);
});
e.subscribe(async (v) => {
  await ds.sleep(5);
  log.push('second ' + v);
});
e.emit(1);
await ds.sleep(10);
e.emit(2);
await ds.sleep(10);
off();
e.emit(3);
await ds.sleep(10);
console.log(log);
setTimeout(() => e.emit(9), 20);
console.log(await ds.wait(e, 1000));
console.log(await ds.wait(e, 30));
