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
const relay = new ds.Relay();
relay.binding().subscribe((b) => {
  console.log('binding', b);
});
async function reader() {
  console.log('read', await relay.enabled.read());
}
reader.start();
await ds.sleep(300);
console.log(relay.isBound);
startServer(new Relay() as any);
await ds.sleep(2000);
console.log(relay.isBound);
