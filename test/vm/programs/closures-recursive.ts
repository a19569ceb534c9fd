import * as ds from '@devicescript/core';

function make() {
  const cache: any = {};
  const fib = (n: number): number => {
    const key = 'f' + n;
    if (cache[key] !== undefined) return cache[key];
    const r = n < 2 ? n : fib(n - 1) + fib(n - 2);
    cache[key] = r;
    return r;
  };
  return fib;
}
const fib = make();
console.log(fib(10), fib(25));
function tree(n: number): any {
  return n === 0 ? null : { l: tree(n - 1), r: () => tree(n - 1) };
}
const t = tree(3);
console.log(t.l.l.l, t.r().l, t.l.r().r());
