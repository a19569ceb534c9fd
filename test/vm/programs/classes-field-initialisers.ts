import * as ds from '@devicescript/core';

class Base {
  a = 1;
  b = [1, 2];
  c: number;
  constructor() {
    this.c = this.a + 10;
  }
}
class Derived extends Base {
  d = this.a + 1;
  e: string;
  constructor(e: string) {
    super();
    this.e = e;
  }
}
const x = new Derived('e');
const y = new Derived('f');
x.b.push(3);
console.log(x.a, x.b, x.c, x.d, x.e);
console.log(y.b, y);
console.log(Object.keys(x));
