import * as ds from '@devicescript/core';

import { Server, startServer } from '@devicescript/server';

class Relay extends Server {
  on = false;
  constructor() {
    super(ds.Relay.spec);
  }
  async enabled() {
    await ds.sleep(10);
    return this.on;
  }
  async set_enabled(v: boolean) {
    await ds.sleep(5);
    this.on = v;
    console.log('set', v);
  }
}
startServer(new Relay() as any);
const relay = new ds.Relay();
await ds.sleep(1500);
await relay.enabled.write(true);
await ds.sleep(600);
console.log(await relay.enabled.read());
const reads = [false, false];
async function read(i: number) {
  reads[i] = await relay.enabled.read();
}
read.start(0);
read.start(1);
await ds.sleep(600);
console.log(reads);
