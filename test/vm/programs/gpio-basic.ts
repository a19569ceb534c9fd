import * as ds from '@devicescript/core';

console.log(typeof ds.gpio);
try {
  ds.gpio(99);
} catch (e) {
  console.log((e as Error).name);
}
