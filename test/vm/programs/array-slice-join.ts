import * as ds from '@devicescript/core';

const a = [1, 2, 3, 4, 5];
console.log(a.slice(), a.slice(1), a.slice(1, 3));
console.log(a.slice(-2), a.slice(-3, -1), a.slice(3, 1), a.slice(10), a.slice(0, 100));
console.log(a.join(), a.join(','), a.join(''), a.join(' - '), [].join('x'), [7].join('x'));
console.log([1, 'a', null, undefined, true, 2.5].join('|'));
console.log([[1, 2], { a: 1 }, hex`0a`].join('|'));
console.log(['ä', '日', '😀'].join('·'));
