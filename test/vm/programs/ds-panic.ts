import * as ds from '@devicescript/core';

console.log('once');
ds._panic(1234);
console.log('never');
