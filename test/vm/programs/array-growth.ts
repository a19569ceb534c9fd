import * as ds from '@devicescript/core';

const a: number[] = [];
for (let i = 0; i < 500; ++i) a.push(i * i);
console.log(a.length, a[499], a[250]);
let sum = 0;
for (const v of a) sum += v;
console.log(sum);
while (a.length > 10) a.pop();
console.log(a);
for (let i = 0; i < 20; ++i) a.insert(5, 1);
console.log(a.length, a);
const sparse: any[] = [];
sparse[100] = 'x';
console.log(sparse.length, sparse[99], sparse[100]);
