import * as ds from '@devicescript/core';

function plain() {
  return plain.name;
}
const arrow = () => 1;
class K {
  method() {
    return 1;
  }
}
const k = new K();
console.log(plain(), arrow.name, k.method.name, K.name);
const f: any = plain;
f.extra = 5;
f.list = [1];
console.log(f.extra, f.list, f.none, plain.name);
console.log((() => 1).name, Math.floor.name, ds.sleep.name);
try {
  console.log(f.prototype);
} catch (e) {
  console.log((e as Error).name);
}
