import * as ds from '@devicescript/core';

setTimeout(() => console.log('c 30'), 30);
setTimeout(() => console.log('a 10'), 10);
setTimeout(() => console.log('b 20'), 20);
const cancelled = setTimeout(() => console.log('never'), 15);
clearTimeout(cancelled);
clearTimeout(9999);
setTimeout(() => {
  console.log('nested start');
  setTimeout(() => console.log('nested end'), 5);
}, 40);
await ds.sleep(200);
console.log('end');
