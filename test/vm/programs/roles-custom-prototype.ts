import * as ds from '@devicescript/core';

class Extra {
  x = 1;
}
const b: any = new ds.Button('btn');
const proto: any = ds.Button.prototype;
proto.describe = function (this: any) {
  return 'button ' + this.isBound;
};
console.log(b.describe());
const rp: any = ds.Role.prototype;
rp.common = function (this: any) {
  return 'role ' + this.spec.name;
};
console.log(b.common(), (new ds.Relay('x') as any).common());
b.describe = () => 'own';
console.log(b.describe(), new Extra());
