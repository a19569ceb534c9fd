import * as ds from '@devicescript/core';

class Counter {
  n = 0;
  step = 2;
  add() {
    this.n += this.step;
    return this;
  }
  get() {
    return this.n;
  }
}
const c = new Counter();
console.log(c.add().add().add().get());
const bound = c.add;
bound();
console.log(c.n);
const o = {
  v: 7,
  f: function (this: any, x: number): number {
    return this.v + x;
  },
};
console.log(o.f(1));
const m = o.f;
console.log(m(2));
const other: any = { v: 100 };
other.f = o.f;
console.log(other.f(1));
