import * as ds from '@devicescript/core';

let out = '';
for (let i = 0; i < 4; ++i) {
  try {
    for (let j = 0; j < 4; ++j) {
      try {
        if (j === 1) continue;
        if (j === 3) throw new Error('j' + j);
        if (i === 2) break;
        out += i + '' + j + ' ';
      } finally {
        out += 'f';
      }
    }
  } catch (e) {
    out += '[' + (e as Error).message + ']';
  }
}
console.log(out);
