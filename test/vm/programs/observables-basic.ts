import * as ds from '@devicescript/core';

import { from, interval, map, filter, reduce } from '@devicescript/observables';
const log: any[] = [];
const obs = from([1, 2, 3, 4, 5]).pipe(
  filter((x: number) => x % 2 === 1),
  map((x: number) => x * 10),
);
await obs.subscribe((v) => {
  log.push(v);
});
console.log(log);
