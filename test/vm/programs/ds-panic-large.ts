import * as ds from '@devicescript/core';

ds._panic(70000);
console.log('after');
