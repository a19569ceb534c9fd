import * as ds from '@devicescript/core';

const sound = new ds.SoundLevel('mine');
const other = new ds.Temperature();
console.log(sound, other);
console.log(sound.isBound, other.isBound);
console.log(sound.reading, sound.loud, other.reading);
console.log(sound.spec, sound.spec.name, sound.spec.classIdentifier);
console.log(typeof sound, typeof sound.reading, typeof sound.loud);
async function waiter() {
  await sound.reading.read();
  console.log('never');
}
waiter.start();
await ds.sleep(500);
console.log('still waiting');
const b: any = sound;
b.extra = 5;
console.log(b.extra, b.nothing, sound instanceof ds.Role);
