import * as ds from '@devicescript/core';

type Op = (a: number, b: number) => number;
const ops: Record<string, Op> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
};
Object.keys(ops).forEach((k) => {
  console.log(k, ops[k](7, 3));
});
function apply(f: (...args: any[]) => any, args: any[]) {
  return f(...args);
}
console.log(
  apply(Math.max, [3, 9]),
  apply((a, b, c) => a + b + c, [1, 2, 3]),
);
const table = [Math.floor, Math.ceil, Math.round, Math.abs];
console.log(table.map((f) => f(-1.5)));
function twice(f: (x: any) => any) {
  return (x: any) => f(f(x));
}
console.log(twice((x) => x + 1)(0), twice(twice((x) => x * 2))(1));
