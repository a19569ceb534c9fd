import * as ds from '@devicescript/core';

import { Server, startServer } from '@devicescript/server';

class Buzzer extends Server implements ds.BuzzerServerSpec {
  _intensity = 1;
  constructor() {
    super(ds.Buzzer.spec);
  }
  intensity() {
    return this._intensity;
  }
  set_intensity(v: number) {
    this._intensity = v;
  }
  playTone(args: any) {
    console.log('tone', args);
  }
  playNote(args: any) {
    console.log('note', args);
  }
}
startServer(new Buzzer() as any);
const buzzer = new ds.Buzzer();
await ds.sleep(1500);
await buzzer.playTone(1000, 500, 200);
await ds.sleep(50);
await buzzer.playNote(440, 0.5, 100);
await ds.sleep(50);
await buzzer.intensity.write(0.25);
await ds.sleep(600);
console.log(await buzzer.intensity.read());
