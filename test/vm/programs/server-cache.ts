import * as ds from '@devicescript/core';

import { Server, startServer } from '@devicescript/server';

let reads = 0;
class Temperature extends Server {
  constructor() {
    super(ds.Temperature.spec);
  }
  reading() {
    reads++;
    return 20 + reads;
  }
  minReading() {
    return -40;
  }
  maxReading() {
    return 85;
  }
}
startServer(new Temperature() as any);
const t = new ds.Temperature();
await ds.sleep(1500);
const first = await t.reading.read();
const second = await t.reading.read();
console.log(first === second, first);
await ds.sleep(700);
const third = await t.reading.read();
console.log(third > first);
console.log(await t.minReading.read(), await t.maxReading.read());
