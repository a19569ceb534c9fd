import * as ds from '@devicescript/core';

function f(a: number, b = 2, c = a + b) {
  return [a, b, c];
}
console.log(f(1), f(1, 5), f(1, undefined, 9), f(1, 2, 3));
const g = (x: number, y = x * 2) => x + y;
console.log(g(1), g(1, 1));
