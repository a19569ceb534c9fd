import * as ds from '@devicescript/core';

function attempt(f: () => any) {
  try {
    console.log(f());
  } catch (e) {
    console.log((e as Error).name, (e as Error).message);
  }
}
const push: any = Array.prototype.push;
const up: any = String.prototype.toUpperCase;
try {
  push(1);
} catch (e) {
  console.log((e as Error).name);
}
attempt(() => up());
