import * as ds from '@devicescript/core';

let n = 0;
const id = setInterval(() => {
  n++;
  console.log('tick', n);
  if (n === 4) clearInterval(id);
}, 10);
await ds.sleep(100);
console.log('stopped at', n);
let slow = 0;
const t = setInterval(async () => {
  slow++;
  await ds.sleep(25);
}, 10);
await ds.sleep(200);
clearInterval(t);
console.log(slow > 4, slow < 12);
