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
echo.plain.subscribe(() => {
  console.log('plain');
});
echo.value.subscribe((v) => {
  console.log('value', v);
});
(echo as any).pair.subscribe((v: any) => {
  console.log('pair', v);
});
await ds.sleep(1500);
const spec: any = ds.Echo.spec;
await server.sendEvent(spec.lookup('plain').encode(undefined));
await ds.sleep(200);
for (const n of [1, -1, 1000000]) {
  await server.sendEvent(spec.lookup('value').encode(n));
  await ds.sleep(200);
}
await server.sendEvent(spec.lookup('pair').encode([7, 'seven']));
await ds.sleep(200);
