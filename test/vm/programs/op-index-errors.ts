import * as ds from '@devicescript/core';

function attempt(f: () => any) {
  try {
    console.log(f());
  } catch (e) {
    console.log((e as Error).name, (e as Error).message);
  }
}
const nothing: any = undefined;
const nil: any = null;
const num: any = 5;
const arr: any = [1, 2];
const buf: any = Buffer.alloc(2);
attempt(() => nothing.a);
attempt(() => nil.a);
attempt(() => nothing[0]);
attempt(() => nil['x']);
attempt(() => {
  nothing.a = 1;
});
attempt(() => {
  nil[0] = 1;
});
attempt(() => {
  num.a = 1;
});
attempt(() => {
  num[0] = 1;
});
attempt(() => num.a);
attempt(() => num[0]);
attempt(() => {
  arr[-1] = 1;
});
attempt(() => {
  arr[1e9] = 1;
});
attempt(() => {
  arr['x'] = 7;
  return arr['x'];
});
attempt(() => {
  buf[5] = 1;
  return buf;
});
attempt(() => {
  buf['x'] = 1;
  return buf['x'];
});
attempt(() => nothing());
attempt(() => nil());
attempt(() => num());
attempt(() => arr.foo());
attempt(() => num.foo());
attempt(() => true < (undefined as any));
