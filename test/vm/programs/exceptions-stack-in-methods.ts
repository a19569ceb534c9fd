import * as ds from '@devicescript/core';

class A {
  run(n: number) {
    return this.inner(n);
  }
  inner(n: number) {
    const f = (x: number) => {
      if (x > 3) throw new RangeError('deep ' + x);
      return x;
    };
    return [1, 2, n].map(f);
  }
}
const a = new A();
console.log(a.run(3));
try {
  a.run(9);
} catch (e) {
  (e as Error).print();
}
