import * as ds from '@devicescript/core';

const button = new ds.Button('mine');
const other = new ds.Temperature();
console.log(button, other);
console.log(button.isBound, other.isBound);
console.log(button.reading, button.down, other.reading);
console.log(button.spec, button.spec.name, button.spec.classIdentifier);
console.log(typeof button, typeof button.reading, typeof button.down);
async function waiter() {
  await button.reading.read();
  console.log('never');
}
waiter.start();
await ds.sleep(500);
console.log('still waiting');
const b: any = button;
b.extra = 5;
console.log(b.extra, b.nothing, button instanceof ds.Role);
