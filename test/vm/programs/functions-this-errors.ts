import * as ds from '@devicescript/core';

function attempt(f: () => any) {
  try {
    console.log(f());
  } catch (e) {
    console.log((e as Error).name, (e as Error).message);
  }
}
const push: any = Array.prototype.push;
try {
  push(1);
} catch (e) {
  console.log((e as Error).name);
}
