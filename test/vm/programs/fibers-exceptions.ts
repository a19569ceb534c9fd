import * as ds from '@devicescript/core';

async function fails(n: number) {
  await ds.sleep(5);
  throw new Error('failed ' + n);
}
try {
  await fails(1);
} catch (e) {
  console.log('caught', (e as Error).message);
}
async function wrapper() {
  try {
    await fails(2);
  } catch (e) {
    console.log('in fiber', (e as Error).message);
  } finally {
    console.log('finally in fiber');
  }
}
wrapper.start();
await ds.sleep(50);
async function deep(n: number): Promise<void> {
  try {
    await ds.sleep(1);
    if (n === 0) throw new TypeError('bottom');
    await deep(n - 1);
  } finally {
    console.log('unwinding', n);
  }
}
try {
  await deep(3);
} catch (e) {
  console.log((e as Error).name, (e as Error).message);
}
