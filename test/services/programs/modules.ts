/** Template and adc_stats as a script sees them. */
import * as ds from '@devicescript/core';

const counter = new ds.Template();
const stats = new ds.AdcStats();

counter.round.subscribe(async (count) => {
  console.log('round', count);
});

console.log('interval', await counter.interval.read());
await counter.interval.write(100000);
const report = await ds.actionReport(counter, 'add', async () => {
  await counter.add(25);
});
console.log('count', report.decode());
console.log('count', await counter.count.read());

stats.windowReady.subscribe(async (event) => {
  console.log('window', event[0], event[1], event[2], event[3]);
  if (event[0] >= 3) await stats.enabled.write(false);
});
console.log('off', await stats.enabled.read(), await stats.rate.read(), await stats.window.read());
await stats.window.write(1600);
await stats.enabled.write(true);
await ds.sleep(1000);
console.log('reading', await stats.reading.read());
console.log('done');
ds.restart();
