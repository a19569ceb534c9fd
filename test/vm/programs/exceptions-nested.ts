import * as ds from '@devicescript/core';

function level(n: number): string {
  try {
    try {
      if (n === 0) throw new Error('inner');
      if (n === 1) throw new TypeError('type');
      return 'plain';
    } catch (e) {
      if ((e as Error).name === 'TypeError') throw e;
      return 'handled ' + (e as Error).message;
    } finally {
      console.log('first finally', n);
    }
  } catch (e) {
    return 'outer ' + (e as Error).message;
  } finally {
    console.log('second finally', n);
  }
}
console.log(level(0));
console.log(level(1));
console.log(level(2));
function finallyThrows() {
  try {
    try {
      throw new Error('one');
    } finally {
      throw new Error('two');
    }
  } catch (e) {
    return (e as Error).message;
  }
}
console.log(finallyThrows());
function finallyReturns() {
  try {
    throw new Error('lost');
  } finally {
    return 'kept';
  }
}
console.log(finallyReturns());
