import * as ds from '@devicescript/core';

import { Server, startServer } from '@devicescript/server';

class Led extends Server {
  px = Buffer.alloc(6);
  constructor() {
    super(ds.Led.spec);
  }
  pixels() {
    return this.px;
  }
  set_pixels(v: Buffer) {
    console.log('pixels', v);
    this.px = v;
  }
  numPixels() {
    return 2;
  }
  variant() {
    return ds.LedVariant.Strip;
  }
}
startServer(new Led() as any);
const led = new ds.Led();
await ds.sleep(1500);
console.log(await led.pixels.read());
await led.pixels.write(hex`0102030405ff`);
await ds.sleep(600);
console.log(await led.pixels.read());
console.log(await led.numPixels.read(), await led.variant.read());
