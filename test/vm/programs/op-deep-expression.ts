import * as ds from '@devicescript/core';

function id(x: number): number {
  return x;
}
const a = id(2);
console.log(1 + (2 + (3 + (4 + (5 + (6 + (7 + (8 + (9 + (10 + a))))))))));
console.log((((((a + 1) * 2 + 3) * 4 + 5) * 6 + 7) * 8 + 9) * 10);
console.log(id(id(id(id(id(id(a) + 1) + 1) + 1) + 1) + 1));
console.log(a > 1 ? (a > 2 ? 'x' : a > 1.5 ? 'y' : 'z') : 'w');
