import * as ds from '@devicescript/core';

const s = 'abcabcabc';
console.log(s.indexOf('abc'), s.indexOf('abc', 1), s.indexOf('abc', 7), s.indexOf('c', -3));
console.log(s.indexOf('abc', 0, 2), s.indexOf('abc', 3, 4), s.indexOf('abc', 4, 6));
console.log(s.indexOf('abcabcabcabc'), s.indexOf('', 3), s.indexOf('c', 100));
console.log(
  s.lastIndexOf('abc'),
  s.lastIndexOf('abc', 5),
  s.lastIndexOf('x'),
  s.lastIndexOf('a', 0),
);
console.log(s.includes('ca'), s.includes('cc'), s.includes('abc', 7));
console.log(s.startsWith('bca', 1), s.startsWith('x'), s.endsWith('bc'), s.endsWith('ab', 8));
console.log('äöüäöü'.indexOf('ü'), 'äöüäöü'.indexOf('ü', 3), 'äöüäöü'.lastIndexOf('ä'));
