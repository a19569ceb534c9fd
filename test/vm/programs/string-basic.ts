import * as ds from '@devicescript/core';

const s = 'Hello, World';
console.log(s.length, s.byteLength, s.charAt(0), s.charCodeAt(0), s[4]);
console.log(s.slice(7), s.slice(0, 5), s.slice(-5), s.slice(-5, -2), s.slice(5, 2));
console.log(s.indexOf('o'), s.indexOf('o', 5), s.indexOf('x'), s.indexOf(''), s.lastIndexOf('o'));
console.log(s.toUpperCase(), s.toLowerCase());
console.log(s.includes('World'), s.startsWith('Hell'), s.endsWith('ld'), s.endsWith('x'));
console.log('  trim me\t\n'.trim() + '|');
console.log('a,b,,c'.split(','), 'abc'.split(''), ''.split(','));
console.log(s.charAt(100) === '', s.charCodeAt(100), s[100], s.charAt(-1) === '');
console.log(
  String.fromCharCode(72, 105),
  String.fromCharCode(),
  String.fromCharCode(228, 0x65e5, 0x1f600),
);
