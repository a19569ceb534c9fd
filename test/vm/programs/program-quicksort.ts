import * as ds from '@devicescript/core';

function sort(a: number[], lo: number, hi: number) {
  if (lo >= hi) return;
  const p = a[(lo + hi) >> 1];
  let i = lo;
  let j = hi;
  while (i <= j) {
    while (a[i] < p) i++;
    while (a[j] > p) j--;
    if (i <= j) {
      const t = a[i];
      a[i] = a[j];
      a[j] = t;
      i++;
      j--;
    }
  }
  sort(a, lo, j);
  sort(a, i, hi);
}
const a: number[] = [];
let seed = 42;
for (let i = 0; i < 120; ++i) {
  seed = (seed * 1103515245 + 12345) & 0x7fffffff;
  a.push(seed % 1000);
}
sort(a, 0, a.length - 1);
console.log(a.slice(0, 30));
let sorted = true;
for (let i = 1; i < a.length; ++i) if (a[i - 1] > a[i]) sorted = false;
console.log(sorted, a.length);
