import * as ds from '@devicescript/core';

import { Server, startServer } from '@devicescript/server';

class RelayServer extends Server implements ds.RelayServerSpec {
  _enabled = false;
  constructor() {
    super(ds.Relay.spec);
  }
  enabled() {
    return this._enabled;
  }
  set_enabled(v: boolean) {
    console.log('set_enabled', v);
    this._enabled = v;
  }
  variant() {
    return ds.RelayVariant.SolidState;
  }
}
startServer(new RelayServer());
const relay = new ds.Relay();
console.log(relay, relay.isBound);
await ds.sleep(2000);
console.log(relay.isBound);
console.log(await relay.enabled.read());
await relay.enabled.write(true);
await ds.sleep(100);
console.log(await relay.enabled.read());
console.log(await relay.variant.read());
