import * as ds from '@devicescript/core';

async function waiter() {
  console.log('waiting');
  const v = await ds.suspend<any>();
  console.log('got', v);
  const w = await ds.suspend<any>(20);
  console.log('timeout gives', w);
  return 1;
}
const f = waiter.start();
await ds.sleep(10);
console.log(f.suspended, typeof f.id);
f.resume({ a: 1 });
console.log('resumed');
await ds.sleep(50);
console.log('end');
