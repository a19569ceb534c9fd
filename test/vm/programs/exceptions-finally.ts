import * as ds from '@devicescript/core';

function f(mode: number): string {
  let log = '';
  try {
    log += 'try ';
    if (mode === 1) throw new Error('x');
    if (mode === 2) return log + 'returned';
    log += 'rest ';
  } catch (e) {
    log += 'catch ';
    if (mode === 1) log += (e as Error).message + ' ';
  } finally {
    log += 'finally ';
    console.log('in finally', mode, log);
  }
  return log + 'end';
}
console.log(f(0));
console.log(f(1));
console.log(f(2));
function g() {
  for (let i = 0; i < 5; ++i) {
    try {
      if (i === 1) continue;
      if (i === 3) break;
      console.log('body', i);
    } finally {
      console.log('finally', i);
    }
  }
}
g();
