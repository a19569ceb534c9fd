import * as ds from '@devicescript/core';

const capture = new ds.Capture();

capture.overrun.subscribe(async (count) => {
  console.log(`event overrun ${count}`);
});

// a window every 50 ms, faster than it can be classified
await capture.hop.write(400);
