/** Calls of src/lib/learner.ts in the order that test/src/learner.test.ts expects them. */
import * as ds from '@devicescript/core';
import {
  capture,
  check,
  flush,
  forget,
  load,
  nextWindow,
  readWords,
} from '../../../src/lib/learner';
import { remember, rollBack, save, sleep, train, trainer } from '../../../src/lib/learner';

await capture.activeThreshold.write(-60);
await ds.sleep(500);
flush(); // a window of silence from before the wake level was set
console.log('words', (await readWords()).join());
console.log('quiet', (await nextWindow(400)) === undefined);
console.log('train without windows', await train(10));

console.log('speak', 3);
const first = await nextWindow(5000);
console.log('heard', first.window, first.label, first.margin > 8, Math.round(first.level));
console.log(
  'remember',
  await remember(first.window, 2, false),
  await remember(first.window, 1, true),
);
console.log('unknown window', await remember(99, 0, false));

await ds.sleep(6000);
const second = await nextWindow(0);
const third = await nextWindow(0);
console.log('queue', second.window, third.window, (await nextWindow(0)) === undefined);

console.log('speak', 6);
await ds.sleep(12000);
const late = await nextWindow(0);
console.log('oldest of four', late.window);
flush();
console.log('flushed', (await nextWindow(0)) === undefined);

console.log('trained', (await train(10)) > 0);
const result = await check();
console.log('check', result.total, result.correct, result.loss, await trainer.check());
await rollBack();
console.log('rolled back', (await check()).loss);
await forget();
console.log('forgotten', (await check()).total);
console.log('slots', await load(1), await save(1), await load(1), await save(200));

console.log('speak', 2);
await sleep(5000);
console.log('slept through', (await nextWindow(500)) === undefined);
console.log('end');
