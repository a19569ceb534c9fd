import * as ds from '@devicescript/core';

console.log('before');
debugger;
console.log('after');
