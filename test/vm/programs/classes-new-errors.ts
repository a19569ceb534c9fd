import * as ds from '@devicescript/core';

function attempt(f: () => any) {
  try {
    console.log(f());
  } catch (e) {
    console.log((e as Error).name, (e as Error).message);
  }
}
const anything: any = 3;
const object: any = {};
function plain() {
  return 7;
}
const p: any = plain;
attempt(() => new anything());
attempt(() => new object());
attempt(() => new p());
attempt(() => object instanceof anything);
class K {
  v = 1;
}
const k: any = K;
attempt(() => k());
