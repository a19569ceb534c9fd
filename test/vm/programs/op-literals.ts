import * as ds from '@devicescript/core';

console.log(0, 1, -1, 15, 16, 17, 111);
console.log(-16, -17, 112, 247, 248, 249, 255);
console.log(256, 65535, 65536, 16777215, 16777216);
console.log(2147483647, -2147483648, 4294967295, -2147483649);
console.log(0.5, -0.5, 1.25e-7, 3.5e20, 1e100);
console.log(true, false, null, undefined, NaN, Infinity, -Infinity);
console.log('', 'a', 'häß', '日本', '😀');
console.log(hex`00 ff 10`, hex``);
