import * as ds from '@devicescript/core';

function attempt(f: () => any) {
  try {
    console.log(f());
  } catch (e) {
    console.log((e as Error).name, (e as Error).message);
  }
}
async function sleeper() {
  await ds.sleep(50);
  console.log('slept');
}
async function short() {
  console.log('short');
}
const f = sleeper.start();
const g = short.start();
await ds.sleep(10);
console.log(f.suspended);
attempt(() => f.resume(1));
attempt(() => g.resume(1));
attempt(() => g.suspended);
attempt(() => g.terminate());
attempt(() => ds.Fiber.self().suspended);
attempt(() => ds.Fiber.self().resume(1));
await ds.sleep(100);
const n: any = 5;
attempt(() => n.start());
attempt(() => (Math.abs as any).start(1));
