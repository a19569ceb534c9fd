import * as ds from '@devicescript/core';

import { Server, startServer } from '@devicescript/server';

class Relay extends Server {
  constructor() {
    super(ds.Relay.spec);
  }
  enabled() {
    return true;
  }
}
startServer(new Relay() as any);
const relay = new ds.Relay();
await ds.sleep(1500);
console.log(await relay.enabled.read());
async function tryRead() {
  const v = await relay.maxSwitchingCurrent.read();
  console.log('got', v);
}
tryRead.start();
await ds.sleep(1000);
console.log('end');
