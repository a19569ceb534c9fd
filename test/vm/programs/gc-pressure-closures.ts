import * as ds from '@devicescript/core';

let fs: (() => number)[] = [];
function make(i: number) {
  const data = [i, i * 2];
  return () => data[0] + data[1];
}
for (let i = 0; i < 2000; ++i) {
  const f = make(i);
  if (i % 250 === 0) fs.push(f);
}
console.log(fs.map((f) => f()));
fs = [];
for (let i = 0; i < 500; ++i) make(i);
console.log('done');
