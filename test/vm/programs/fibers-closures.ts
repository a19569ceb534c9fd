import * as ds from '@devicescript/core';

function make(n: number) {
  let total = 0;
  return {
    go: async () => {
      for (let i = 0; i < n; ++i) {
        total += i;
        await ds.sleep(2);
      }
    },
    total: () => total,
  };
}
const a = make(5);
const b = make(10);
a.go.start();
b.go.start();
await ds.sleep(9);
console.log(a.total() > 0, b.total() > 0);
await ds.sleep(50);
console.log(a.total(), b.total());
