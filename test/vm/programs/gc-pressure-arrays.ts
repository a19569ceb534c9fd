import * as ds from '@devicescript/core';

let kept: number[][] = [];
for (let i = 0; i < 800; ++i) {
  const a: number[] = [];
  for (let j = 0; j < 8; ++j) a.push(i * j);
  if (i % 40 === 0) kept.push(a);
  if (i % 100 === 99) await ds.sleep(1);
}
console.log(kept.length, kept[3], kept[19][7]);
for (let i = 0; i < 50; ++i) kept = kept.slice(0);
console.log(kept.length);
const b: Buffer[] = [];
for (let i = 0; i < 300; ++i) {
  b.push(Buffer.alloc(i));
  if (b.length > 5) b.shift();
}
console.log(b.map((x) => x.length));
