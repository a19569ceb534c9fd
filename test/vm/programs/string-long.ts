import * as ds from '@devicescript/core';

let s = '';
for (let i = 0; i < 100; ++i) s += String.fromCharCode(97 + (i % 26));
console.log(s.length, s);
console.log(s[0], s[50], s[99], s.slice(20, 30), s.indexOf('zab', 30));
let u = '';
for (let i = 0; i < 60; ++i) u += 'aé日'[i % 3];
console.log(u.length, u.byteLength);
console.log(u[0], u[15], u[16], u[17], u[31], u[32], u[59]);
console.log(u.slice(14, 20), u.slice(30, 34), u.indexOf('aé', 33), u.charCodeAt(47));
console.log(u.slice(-5), u.slice(59), u.slice(60) === '');
