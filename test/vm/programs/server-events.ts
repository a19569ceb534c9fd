import * as ds from '@devicescript/core';

import { Server, startServer } from '@devicescript/server';

class Echo extends Server {
  constructor() {
    super(ds.Echo.spec);
  }
  async press(ms: number) {
    await this.sendEvent(ds.Echo.spec.lookup('plain').encode(undefined));
    await ds.sleep(ms);
    await this.sendEvent(ds.Echo.spec.lookup('value').encode(ms));
  }
}
const server = new Echo();
startServer(server as any);
const echo = new ds.Echo();
let downs = 0;
echo.plain.subscribe(() => {
  downs++;
  console.log('down');
});
echo.value.subscribe((ms) => {
  console.log('up after', ms);
});
await ds.sleep(1500);
await server.press(100);
await ds.sleep(500);
await server.press(250);
await ds.sleep(500);
console.log(downs);
