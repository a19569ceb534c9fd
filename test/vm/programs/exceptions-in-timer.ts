import * as ds from '@devicescript/core';

setTimeout(() => {
  console.log('timer');
  throw new TypeError('from timer');
}, 10);
await ds.sleep(100);
console.log('not reached');
