import * as ds from '@devicescript/core';

function attempt(f: () => any) {
  try {
    console.log(f());
  } catch (e) {
    console.log((e as Error).name, (e as Error).message);
  }
}
attempt(() => Buffer.alloc(60000).length);
attempt(() => Buffer.alloc(70000).length);
attempt(() => new Array(20000).length);
