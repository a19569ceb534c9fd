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
relay.report().subscribe((p) => {
  console.log(p, p.serviceCommand, p.payload, p.isRegGet);
  console.log(p.role === relay, p.serviceIndex, p.shortId.length, p.deviceIdentifier.length);
  console.log(p.flags, p.isReport, p.decode(), p.spec.name);
});
await relay.sendCommand(0x1001);
await ds.sleep(200);
await relay.sendCommand(ds.Relay.spec.lookup('enabled').code, Buffer.alloc(0));
await ds.sleep(200);
