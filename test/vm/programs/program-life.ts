import * as ds from '@devicescript/core';

const w = 12;
const h = 8;
let cells = Buffer.alloc(w * h);
for (const p of [13, 26, 36, 37, 38, 50, 51, 52, 62]) cells[p] = 1;
function step(c: Buffer) {
  const r = Buffer.alloc(w * h);
  for (let y = 0; y < h; ++y) {
    for (let x = 0; x < w; ++x) {
      let n = 0;
      for (let dy = -1; dy <= 1; ++dy)
        for (let dx = -1; dx <= 1; ++dx) {
          if (dx === 0 && dy === 0) continue;
          n += c[((y + dy + h) % h) * w + ((x + dx + w) % w)];
        }
      const alive = c[y * w + x];
      r[y * w + x] = n === 3 || (alive && n === 2) ? 1 : 0;
    }
  }
  return r;
}
for (let g = 0; g < 3; ++g) {
  cells = step(cells);
  for (let y = 0; y < h; ++y) {
    let line = '';
    for (let x = 0; x < w; ++x) line += cells[y * w + x] ? '#' : '.';
    console.log(line);
  }
  await ds.sleep(1);
}
