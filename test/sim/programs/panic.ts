import * as ds from '@devicescript/core';

console.log('about to fail');
await ds.sleep(2000);
const nothing: number[] = undefined;
nothing.push(1);
