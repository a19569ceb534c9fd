import * as ds from '@devicescript/core';

console.log(typeof ds.gpio, typeof (ds as any).gpio);
try {
  ds.gpio(1000);
} catch (e) {
  console.log('no such pin');
}
