import * as ds from '@devicescript/core';

import { SensorServer, startServer } from '@devicescript/server';

class Potentiometer extends SensorServer implements ds.PotentiometerServerSpec {
  n = 0;
  constructor() {
    super(ds.Potentiometer.spec, { interval: 100 });
  }
  reading() {
    this.n++;
    return (this.n % 10) / 10;
  }
}
startServer(new Potentiometer());
const pot = new ds.Potentiometer();
const seen: number[] = [];
pot.reading.subscribe((v) => {
  if (seen.length < 5) seen.push(Math.round(v * 10));
});
await ds.sleep(4000);
console.log(seen.length, seen[1] - seen[0], seen[2] - seen[1]);
