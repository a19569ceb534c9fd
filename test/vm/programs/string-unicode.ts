import * as ds from '@devicescript/core';

const s = 'aä日😀z';
console.log(s.length, s.byteLength);
for (let i = 0; i < s.length; ++i) console.log(i, s[i], s.charCodeAt(i), s.charAt(i));
console.log(s.slice(1, 3), s.slice(-2), s.slice(3));
console.log(s.indexOf('日'), s.indexOf('😀'), s.indexOf('z'), s.lastIndexOf('ä'));
console.log(s.toUpperCase(), 'ÄÖÜ ß É'.toLowerCase());
console.log(s + s, (s + s).length);
console.log(s === 'aä日😀z', s < 'b', 'ä' < 'z', 'é' === 'é');
const o: any = { ä: 1, 日本: 2, '😀': 3 };
console.log(o, o.ä, o['日本'], o['😀'], Object.keys(o));
