import * as ds from '@devicescript/core';

const t0 = ds.millis();
await ds.sleep(50);
const t1 = ds.millis();
await ds.delay(30);
const t2 = ds.millis();
await ds.sleep(0);
await ds.sleep(-5);
const t3 = ds.millis();
console.log(t1 - t0 >= 50, t1 - t0 < 60, t2 - t1 >= 30, t2 - t1 < 40, t3 - t2 < 10);
await ds.sleep(1.5);
console.log(ds.millis() > t3);
