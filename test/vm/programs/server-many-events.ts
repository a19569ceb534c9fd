import * as ds from '@devicescript/core';

import { Server, startServer } from '@devicescript/server';

class Button extends Server {
  constructor() {
    super(ds.Button.spec);
  }
}
const server = new Button();
startServer(server as any);
const button = new ds.Button();
const got: number[] = [];
button.hold.subscribe((ms) => {
  got.push(ms);
});
await ds.sleep(1500);
for (let i = 0; i < 8; ++i) {
  await server.sendEvent(ds.Button.spec.lookup('hold').encode(i * 100));
  await ds.sleep(300);
}
console.log(got);
