import * as ds from '@devicescript/core';

import { SensorServer, startServer } from '@devicescript/server';

class Accelerometer extends SensorServer implements ds.AccelerometerServerSpec {
  constructor() {
    super(ds.Accelerometer.spec, { interval: 200 });
  }
  reading(): ds.AsyncValue<[number, number, number]> {
    return [0.5, -0.25, 1];
  }
  supportedRanges() {
    return [1, 2, 4, 8];
  }
}
startServer(new Accelerometer());
const acc = new ds.Accelerometer();
await ds.sleep(1500);
console.log(await acc.reading.read());
console.log(await acc.supportedRanges.read());
