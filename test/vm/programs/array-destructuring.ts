import * as ds from '@devicescript/core';

const [a, b, c] = [1, 2] as number[];
console.log(a, b, c);
const { x, y, z } = { x: 1, y: 'two', z: undefined as any };
console.log(x, y, z);
const [p, q, r] = [1, [2, 3], 4] as any[];
console.log(p, q, r);
const { n, o: renamed } = { n: 5, o: 6 };
console.log(n, renamed);
function f({ u, v }: { u: number; v: number }) {
  return u - v;
}
console.log(f({ u: 5, v: 3 }));
const copy = [...[1, 2], ...[3]];
console.log(copy);
const merged = { ...{ a: 1, b: 2 }, b: 3 };
console.log(merged);
