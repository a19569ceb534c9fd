import * as ds from '@devicescript/core';

console.log('before');
throw 'a string';
