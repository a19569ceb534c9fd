import * as ds from '@devicescript/core';

const fs: (() => number)[] = [];
function make(i: number) {
  return () => i * i;
}
for (let i = 0; i < 5; ++i) fs.push(make(i));
console.log(fs.map((f) => f()));
const compose = (f: (x: number) => number, g: (x: number) => number) => (x: number) => f(g(x));
const inc = (x: number) => x + 1;
const dbl = (x: number) => x * 2;
console.log(compose(inc, dbl)(5), compose(dbl, inc)(5));
const parameter = (n: number) => {
  const set = () => {
    n = n + 1;
  };
  set();
  set();
  return n;
};
console.log(parameter(5));
