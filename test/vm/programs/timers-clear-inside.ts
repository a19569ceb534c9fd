import * as ds from '@devicescript/core';

let n = 0;
let id = 0;
id = setInterval(() => {
  n++;
  if (n === 3) clearInterval(id);
}, 5);
const once = setTimeout(() => {
  clearTimeout(once);
  console.log('once');
}, 7);
const victim = setTimeout(() => console.log('never'), 12);
setTimeout(() => clearTimeout(victim), 8);
await ds.sleep(60);
console.log(n);
