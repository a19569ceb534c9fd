import * as ds from '@devicescript/core';

import { Server, startServer } from '@devicescript/server';

class Echo extends Server {
  constructor() {
    super(ds.Echo.spec);
  }
}
const server = new Echo();
startServer(server as any);
const echo = new ds.Echo();
let ups = 0;
echo.value.subscribe(() => {
  ups++;
});
await ds.sleep(1500);
setTimeout(async () => {
  await server.sendEvent(ds.Echo.spec.lookup('plain').encode(undefined));
}, 100);
await echo.plain.wait(1000);
console.log('waited');
await echo.plain.wait(50);
console.log('timed out', ups);
