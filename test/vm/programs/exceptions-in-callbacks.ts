import * as ds from '@devicescript/core';

const e = ds.emitter<number>();
e.subscribe((v) => {
  if (v === 2) throw new Error('in handler ' + v);
  console.log('handled', v);
});
e.emit(1);
await ds.sleep(10);
try {
  e.emit(2);
} catch (x) {
  console.log('not here');
}
await ds.sleep(10);
console.log('not reached');
