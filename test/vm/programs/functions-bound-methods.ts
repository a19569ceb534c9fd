import * as ds from '@devicescript/core';

class A {
  constructor(public v: number) {}
  get1() {
    return this.v;
  }
}
const a = new A(1);
const b = new A(2);
const fs = [a.get1, b.get1];
console.log(fs[0](), fs[1]());
const s = 'hello';
const up = s.toUpperCase;
console.log(up());
const list = [1];
const push = list.push;
push(2, 3);
console.log(list);
const o = { g: a.get1 };
console.log(o.g());
console.log(a.get1 === a.get1);
