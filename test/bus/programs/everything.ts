import * as ds from '@devicescript/core';
import { startServer, SensorServer, Server } from '@devicescript/server';

class Bus extends Server {
  constructor() {
    super(ds.I2C.spec);
  }
  async transaction(a: any) {
    return [a.length & 255, a[2]];
  }
  ok() {
    return true;
  }
}
class Tilt extends SensorServer {
  constructor() {
    super(ds.Accelerometer.spec, { interval: 100 });
  }
  reading() {
    return [1, 2, 3];
  }
  instanceName() {
    return 'tilt';
  }
}
startServer(new Bus());
startServer(new Tilt());
const roles: any[] = [
  new ds.Switch(),
  new ds.Button(),
  new ds.Accelerometer(),
  new ds.LightBulb(),
  new ds.I2C(),
];
let heard = 0;
for (const role of roles) {
  role.report().subscribe(async (p: any) => {
    heard++;
    p.decode();
    ('' + p.deviceIdentifier + p.shortId).length;
    p.notImplemented();
  });
  role.binding().subscribe(async (v: any) => {
    heard++;
  });
}
roles[0].on.subscribe(async () => {
  heard++;
});
roles[1].hold.subscribe(async (v: any) => {
  heard += v;
});
roles[1].reading.subscribe(async (v: any) => {
  heard += v;
});
roles[2].reading.subscribe(async (v: any) => {
  heard += v[0];
});
async function read(role: any) {
  while (true) {
    console.log(await role.instanceName.read());
    await ds.sleep(50);
  }
}
roles.forEach((role) => {
  read.start(role);
});
async function ranges() {
  while (true) {
    heard += (await roles[2].supportedRanges.read()).length;
    await ds.sleep(30);
  }
}
ranges.start();
async function write() {
  while (true) {
    await roles[3].intensity.write(heard);
    await roles[4].transaction(1, 2, hex`0102`);
    await ds.sleep(20);
  }
}
write.start();
