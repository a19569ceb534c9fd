import * as ds from '@devicescript/core';

function find(values: number[], wanted: number): number {
  for (let i = 0; i < values.length; ++i) {
    try {
      if (values[i] === wanted) return i;
      if (values[i] < 0) throw new Error('negative');
    } catch (e) {
      return -100;
    } finally {
      console.log('looked at', i);
    }
  }
  return -1;
}
console.log(find([5, 6, 7], 6));
console.log(find([5, 6, 7], 9));
console.log(find([5, -1, 7], 7));
