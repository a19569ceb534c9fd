import * as ds from '@devicescript/core';

const slots: any[] = [];
for (let i = 0; i < 40; ++i) slots.push(undefined);
let seed = 3;
for (let i = 0; i < 1500; ++i) {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  const at = (seed >> 9) % 40;
  const kind = (seed >> 17) % 4;
  if (kind === 0) slots[at] = Buffer.alloc(seed % 300);
  else if (kind === 1) slots[at] = 's' + seed;
  else if (kind === 2) slots[at] = [seed, at];
  else slots[at] = { seed };
  if (i % 200 === 199) await ds.sleep(1);
}
let n = 0;
for (const s of slots) if (s !== undefined) n++;
console.log(n, slots[0], slots[7], slots[33]);
