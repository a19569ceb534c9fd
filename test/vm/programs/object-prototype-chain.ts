import * as ds from '@devicescript/core';

class A {
  x = 1;
  get1() {
    return this.x;
  }
}
const a: any = new A();
console.log(a.constructor === A, A.prototype === undefined, typeof A.prototype);
const proto: any = { base: 1, over: 'proto' };
const mid: any = { mid: 2 };
Object.setPrototypeOf(mid, proto);
const leaf: any = { leaf: 3, over: 'leaf' };
Object.setPrototypeOf(leaf, mid);
console.log(leaf.base, leaf.mid, leaf.leaf, leaf.over, mid.over);
console.log(leaf, Object.keys(leaf));
proto.added = 'later';
console.log(leaf.added);
delete leaf.over;
console.log(leaf.over);
