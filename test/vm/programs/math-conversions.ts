import * as ds from '@devicescript/core';

function attempt(f: () => any) {
  try {
    console.log(f());
  } catch (e) {
    console.log((e as Error).name, (e as Error).message);
  }
}
(['5', '', 'x', null, undefined, true, [], {}, [7]] as any[]).forEach((v) => {
  attempt(() => Math.abs(v));
  attempt(() => Math.floor(v));
  attempt(() => Math.max(v, 1));
  attempt(() => Math.pow(v, 2));
  attempt(() => Math.imul(v, 2));
  attempt(() => Math.idiv(v, 2));
});
