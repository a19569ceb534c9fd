import * as ds from '@devicescript/core';

function outer() {
  let x = 1;
  function middle() {
    let y = 10;
    function inner() {
      x += 1;
      y += 1;
      return x * 100 + y;
    }
    return inner;
  }
  const f = middle();
  const g = middle();
  console.log(f(), f(), g(), x);
  return f;
}
const f = outer();
console.log(f(), f());
