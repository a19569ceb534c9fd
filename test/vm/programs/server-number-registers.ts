import * as ds from '@devicescript/core';

import { Server, startServer } from '@devicescript/server';

class Motor extends Server implements ds.MotorServerSpec {
  _speed = 0;
  _on = false;
  constructor() {
    super(ds.Motor.spec);
  }
  speed() {
    return this._speed;
  }
  set_speed(v: number) {
    console.log('server got', v);
    this._speed = v;
  }
  enabled() {
    return this._on;
  }
  set_enabled(v: boolean) {
    this._on = v;
  }
  loadTorque() {
    return 12.34375;
  }
}
startServer(new Motor());
const motor = new ds.Motor();
await ds.sleep(1500);
const speeds = [0, 0.5, -0.5, 1, -1, 0.123456, 2];
for (const v of speeds) {
  await motor.speed.write(v);
  await ds.sleep(600);
  console.log(v, await motor.speed.read());
}
await motor.enabled.write(true);
await ds.sleep(600);
console.log(await motor.enabled.read(), await motor.loadTorque.read());
