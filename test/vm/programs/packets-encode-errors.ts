import * as ds from '@devicescript/core';

function attempt(f: () => any) {
  try {
    console.log(f());
  } catch (e) {
    console.log((e as Error).name, (e as Error).message);
  }
}
const reading: any = ds.Button.spec.lookup('reading');
const message: any = ds.CharacterScreen.spec.lookup('message');
const pixels: any = ds.Led.spec.lookup('pixels');
const acc: any = ds.Accelerometer.spec.lookup('reading');
attempt(() => reading.encode('text').payload);
attempt(() => reading.encode().payload);
attempt(() => reading.encode(5).payload);
attempt(() => reading.encode(-1).payload);
attempt(() => message.encode(5).payload);
attempt(() => message.encode(hex`4142`).payload);
attempt(() => pixels.encode('abc').payload);
attempt(() => pixels.encode(7).payload);
attempt(() => acc.encode([1, 2]).payload);
attempt(() => acc.encode([1, 2, 3, 4]).payload);
attempt(() => acc.encode(1, 2, 3).payload);
