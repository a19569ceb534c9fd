import * as ds from '@devicescript/core';

class Foo {
  a = 1;
}
class Bar extends Foo {
  b = 2;
}
function named() {
  return 1;
}
const arrow = () => 2;
const foo = new Foo();
console.log(named, arrow, Foo, Bar, () => 3);
console.log(foo, new Bar(), [foo, foo]);
console.log(Math.abs, ds.sleep, foo.constructor);
const bound = 'abc'.indexOf;
console.log(bound, [1].push);
console.log(named.name, arrow.name, Foo.name, Math.abs.name);
