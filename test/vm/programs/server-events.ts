import * as ds from '@devicescript/core';

import { Server, startServer } from '@devicescript/server';

class Button extends Server implements ds.ButtonServerSpec {
  constructor() {
    super(ds.Button.spec);
  }
  reading() {
    return 0;
  }
  streamingSamples() {
    return 0;
  }
  set_streamingSamples(n: number) {}
  streamingInterval() {
    return 100;
  }
  set_streamingInterval(n: number) {}
  async press(ms: number) {
    await this.sendEvent(ds.Button.spec.lookup('down').encode(undefined));
    await ds.sleep(ms);
    await this.sendEvent(ds.Button.spec.lookup('up').encode(ms));
  }
}
const server = new Button();
startServer(server);
const button = new ds.Button();
let downs = 0;
button.down.subscribe(() => {
  downs++;
  console.log('down');
});
button.up.subscribe((ms) => {
  console.log('up after', ms);
});
await ds.sleep(1500);
await server.press(100);
await ds.sleep(500);
await server.press(250);
await ds.sleep(500);
console.log(downs);
