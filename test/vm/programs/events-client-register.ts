import * as ds from '@devicescript/core';

const r = ds.clientRegister(5);
console.log(await r.read());
const log: number[] = [];
const off = r.subscribe((v) => {
  log.push(v);
});
r.emit(6);
await ds.sleep(5);
r.emit(6);
await ds.sleep(5);
r.emit(7);
await ds.sleep(5);
off();
r.emit(8);
await ds.sleep(5);
console.log(log, await r.read());
