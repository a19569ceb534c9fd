import * as ds from '@devicescript/core';

async function forever() {
  let i = 0;
  try {
    while (true) {
      console.log('tick', i++);
      await ds.sleep(10);
    }
  } finally {
    console.log('finally');
  }
}
const f = forever.start();
await ds.sleep(25);
f.terminate();
console.log('terminated');
await ds.sleep(50);
console.log('quiet');
async function self() {
  console.log('before');
  ds.Fiber.self().terminate();
  console.log('after?');
}
self.start();
await ds.sleep(10);
