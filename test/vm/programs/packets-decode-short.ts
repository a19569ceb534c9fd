import * as ds from '@devicescript/core';

const spec = ds.Accelerometer.spec.lookup('reading');
console.log(spec.encode([0, 0, 0]).payload.length);
const t = ds.Temperature.spec.lookup('reading');
console.log(t.encode(5).decode(), t.encode(0.001).decode());
const s = ds.CharacterScreen.spec.lookup('message').encode('abc');
console.log(s.decode(), typeof s.decode());
let long = '';
for (let i = 0; i < 25; ++i) long += '0123456789';
try {
  const p = ds.CharacterScreen.spec.lookup('message').encode(long);
  console.log(p.payload.length, (p.decode() as any).length);
} catch (e) {
  console.log((e as Error).name, (e as Error).message);
}
