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
let ups = 0;
button.up.subscribe(() => {
  ups++;
});
await ds.sleep(1500);
setTimeout(async () => {
  await server.sendEvent(ds.Button.spec.lookup('down').encode(undefined));
}, 100);
await button.down.wait(1000);
console.log('waited');
await button.down.wait(50);
console.log('timed out', ups);
