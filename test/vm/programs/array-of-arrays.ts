import * as ds from '@devicescript/core';

const grid: number[][] = [];
for (let y = 0; y < 4; ++y) {
  const row: number[] = [];
  for (let x = 0; x < 4; ++x) row.push(x * y);
  grid.push(row);
}
console.log(grid);
let sum = 0;
for (const row of grid) for (const v of row) sum += v;
console.log(sum);
const t = grid[0].map((_, i) => grid.map((row) => row[i]));
console.log(t);
grid[2] = grid[1];
grid[1][1] = 99;
console.log(grid[2][1]);
