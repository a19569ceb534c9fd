import * as ds from '@devicescript/core';

console.log('once');
ds.restart();
console.log('never');
