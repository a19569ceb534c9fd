import * as ds from '@devicescript/core';

const a = [5, 3, 8, 1];
console.log(a.map((x) => x * 2));
console.log(a.filter((x) => x > 2));
console.log(
  a.find((x) => x > 5),
  a.findIndex((x) => x > 5),
  a.find((x) => x > 50),
  a.findIndex((x) => x > 50),
);
console.log(
  a.every((x) => x > 0),
  a.every((x) => x > 1),
  a.some((x) => x === 8),
  a.some((x) => x === 9),
);
console.log(
  a.reduce((s, x) => s + x, 0),
  a.reduce((s, x) => s + '/' + x, ''),
);
a.forEach((x, i) => console.log(i, x));
console.log(
  a.findLast((x) => x > 2),
  a.findLastIndex((x) => x > 2),
);
console.log(a.sort(), a);
console.log(a.sort((x, y) => y - x));
console.log(['b', 'a', 'C', 'ä', 'B'].sort());
console.log([10, 9, 1, 100].sort());
console.log(a.at(0), a.at(-1), a.at(10), a.with(1, 77), new Array<number>(3).fill(7));
