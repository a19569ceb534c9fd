import * as ds from '@devicescript/core';

let keep: any[] = [];
for (let i = 0; i < 1500; ++i) {
  const o = { i, s: 'item ' + i, a: [i, i + 1, i + 2] };
  if (i % 100 === 0) keep.push(o);
}
let sum = 0;
for (const o of keep) sum += o.i + o.a[2];
console.log(keep.length, sum, keep[7]);
keep = [];
for (let i = 0; i < 1000; ++i) keep = [keep, i];
await ds.sleep(1);
let depth = 0;
while (keep.length === 2) {
  keep = keep[0];
  depth++;
}
console.log(depth);
