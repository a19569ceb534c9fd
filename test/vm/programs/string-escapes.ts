import * as ds from '@devicescript/core';

console.log('line1\nline2');
console.log('tab\there');
console.log(['a\nb', 'c"d', "e'f", 'g\\h', '\u0001x']);
console.log({ k: 'v\n', 'odd key': 'x' });
console.log('nul' + String.fromCharCode(0) + 'after', String.fromCharCode(0).length);
console.log('€', '\u20ac', '\x41');
