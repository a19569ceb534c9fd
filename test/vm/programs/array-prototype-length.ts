import * as ds from '@devicescript/core';

function attempt(f: () => any) {
  try {
    console.log(f());
  } catch (e) {
    console.log((e as Error).name);
  }
}
const p: any = Array.prototype;
attempt(() => p.length);
attempt(() => typeof p.push);
