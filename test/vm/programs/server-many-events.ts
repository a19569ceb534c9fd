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
const got: number[] = [];
echo.value.subscribe((ms) => {
  got.push(ms);
});
await ds.sleep(1500);
for (let i = 0; i < 8; ++i) {
  await server.sendEvent(ds.Echo.spec.lookup('value').encode(i * 100));
  await ds.sleep(300);
}
console.log(got);
