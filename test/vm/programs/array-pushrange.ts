import * as ds from '@devicescript/core';

const a = [1];
console.log(a.pushRange([2, 3]), a.pushRange([]), a);
a.pushRange(a);
console.log(a);
function attempt(f: () => any) {
  try {
    console.log(f());
  } catch (e) {
    console.log((e as Error).name, (e as Error).message);
  }
}
const bad: any = a;
attempt(() => bad.pushRange(5));
attempt(() => bad.pushRange(undefined));
attempt(() => bad.insert('x', 1));
attempt(() => bad.insert(0, 100000));
attempt(() => bad.insert(0, -100));
attempt(() => [...bad, ...bad]);
