import * as ds from '@devicescript/core';

console.log('once');
ds.reboot();
console.log('never');
