import * as ds from '@devicescript/core';

const a = [1, 2, 3];
console.log(a.length, a.push(4), a.push(5, 6), a);
console.log(a.pop(), a.shift(), a.unshift(9, 8), a);
console.log(a.indexOf(3), a.indexOf(99), a.lastIndexOf(4), a.includes(8));
a.insert(1, 2);
console.log(a, a.length);
a.insert(0, -3);
console.log(a);
a.insert(100, 1);
console.log(a);
