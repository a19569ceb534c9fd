import * as ds from '@devicescript/core';

function attempt(f: () => any) {
  try {
    console.log(f());
  } catch (e) {
    console.log((e as Error).name, (e as Error).message);
  }
}
const u: any = undefined;
const n: any = 4;
attempt(() => Object.keys(u));
attempt(() => Object.keys(n));
attempt(() => Object.keys('abc'));
attempt(() => Object.values(u));
attempt(() => Object.assign(u, {}));
attempt(() => Object.assign({}, u));
attempt(() => Object.assign({}, 5 as any));
attempt(() => new Object());
attempt(() => new (Object as any)(5));
attempt(() => Object.keys(hex`01`));
attempt(() => Object.keys(() => 1));
