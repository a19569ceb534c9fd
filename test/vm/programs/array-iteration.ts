import * as ds from '@devicescript/core';

for (const x of [1, 2, 3]) console.log(x);
for (const c of ['a', 'b'] as string[]) console.log(c);
const growing = [1];
for (const x of growing) if (x < 5) growing.push(x + 1);
console.log(growing);
for (const c of 'aäb' as any) console.log(c);
