import * as ds from '@devicescript/core';

console.log('log');
console.info('info');
console.warn('warn');
console.error('error');
console.debug('debug');
console.log();
console.log('');
console.log('a', 'b', 'c');
console.log('percent %d %s', 1, 'x');
console.log('braces {0} {1} {} {x}');
console.log('multi\nline', 'tail');
console.log('ends with space ');
console.log(undefined);
console.log(null, undefined, NaN);
