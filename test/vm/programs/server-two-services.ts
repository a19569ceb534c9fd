import * as ds from '@devicescript/core';

import { Server, startServer } from '@devicescript/server';

class Relay extends Server {
  on = false;
  constructor(public label: string) {
    super(ds.Relay.spec);
  }
  enabled() {
    return this.on;
  }
  set_enabled(v: boolean) {
    console.log(this.label, v);
    this.on = v;
  }
}
const a = startServer(new Relay('first') as any);
const b = startServer(new Relay('second') as any, { roleName: 'named' });
console.log(a, b);
const r1 = new ds.Relay('one');
const r2 = new ds.Relay('two');
await ds.sleep(2000);
console.log(r1.isBound, r2.isBound);
await r1.enabled.write(true);
await ds.sleep(100);
await r2.enabled.write(true);
await ds.sleep(600);
console.log(await r1.enabled.read(), await r2.enabled.read());
