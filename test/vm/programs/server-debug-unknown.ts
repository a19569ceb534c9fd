import * as ds from '@devicescript/core';

import { Server, startServer } from '@devicescript/server';

class Relay extends Server {
  constructor() {
    super(ds.Relay.spec);
  }
  enabled() {
    return true;
  }
  set_enabled(v: boolean) {
    throw new RangeError('not now');
  }
}
startServer(new Relay() as any);
const relay = new ds.Relay();
await ds.sleep(1500);
console.log(await relay.enabled.read());
await relay.enabled.write(true);
await ds.sleep(100);
console.log('not reached');
