import * as ds from '@devicescript/core';

function counter(start: number) {
  let n = start;
  return {
    up: () => ++n,
    down: () => --n,
    value: () => n,
  };
}
const a = counter(0);
const b = counter(10);
console.log(a.up(), a.up(), b.down(), a.value(), b.value());
function adder(x: number) {
  return (y: number) => (z: number) => x + y + z;
}
console.log(adder(1)(2)(3), adder(10)(20)(30));
