import * as ds from '@devicescript/core';

function inner(x: number) {
  throw new TypeError('bad ' + x);
}
function outer() {
  inner(4);
}
console.log('before');
outer();
console.log('after');
