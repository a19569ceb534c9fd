import * as ds from '@devicescript/core';

class A {
  hello() {
    return 'hello';
  }
}
A.prototype.hello = function () {
  return 'changed';
};
const a: any = new A();
console.log(a.hello());
const proto = { kind: 'proto', shout: (x: string) => x.toUpperCase() + '!' };
const o: any = {};
Object.setPrototypeOf(o, proto);
console.log(o.kind, o.shout('a'), Object.keys(o));
o.kind = 'own';
console.log(o.kind, proto.kind, o);
