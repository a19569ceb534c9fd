import * as ds from '@devicescript/core';

import { Server, startServer } from '@devicescript/server';

class Touch extends Server {
  n = 0;
  constructor() {
    super(ds.CapacitiveButton.spec);
  }
  threshold() {
    return 0.5;
  }
  async calibrate() {
    this.n++;
    console.log('calibrating', this.n);
    await ds.sleep(20);
  }
}
startServer(new Touch() as any);
const touch = new ds.CapacitiveButton();
await ds.sleep(1500);
const pkt = await ds.actionReport(touch, 'calibrate', async () => await touch.calibrate());
console.log(pkt.isReport, pkt.isCommand, pkt.serviceCommand, pkt.isAction, pkt.payload);
const again = await ds.actionReport(touch, 'calibrate', async () => await touch.calibrate());
console.log(again.spec.name);
