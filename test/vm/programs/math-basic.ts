import * as ds from '@devicescript/core';

console.log(Math.abs(-5), Math.abs(5.5), Math.abs(-0.1), Math.abs(NaN));
console.log(
  Math.floor(1.7),
  Math.floor(-1.2),
  Math.ceil(1.2),
  Math.ceil(-1.7),
  Math.round(1.5),
  Math.round(-1.5),
  Math.round(2.5),
);
console.log(
  Math.round(0.49999),
  Math.round(-0.5),
  Math.floor(1e20),
  Math.ceil(-0.5),
  Math.round(1e15 + 0.5),
);
console.log(Math.min(1, 2), Math.max(1, 2), Math.min(-0.5, -1), Math.max(NaN, 1), Math.min(1, NaN));
console.log(
  Math.min(3, 1, 2),
  Math.max(3, 1, 2),
  Math.sign(-3),
  Math.sign(0),
  Math.sign(2.5),
  Math.sign(NaN),
);
console.log(Math.idiv(7, 2), Math.idiv(-7, 2), Math.idiv(7, 0), Math.idiv(7.9, 2));
console.log(Math.imul(3, 4), Math.imul(0x7fffffff, 2), Math.imul(-1, 5), Math.imul(1e10, 3));
console.log(
  Math.map(5, 0, 10, 0, 100),
  Math.constrain(5, 1, 3),
  Math.constrain(0, 1, 3),
  Math.constrain(2, 1, 3),
);
console.log(7 % 3, -7 % 3, 7.5 % 2, 7 % 0);
