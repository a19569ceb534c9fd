import * as ds from '@devicescript/core';

const a = ds.millis();
await ds.sleep(123);
const b = ds.millis();
console.log(b - a >= 123, b - a < 135, a === Math.floor(a));
