import * as ds from '@devicescript/core';

class Queue<T> {
  private items: T[] = [];
  private waiters: ds.Fiber[] = [];
  push(v: T) {
    this.items.push(v);
    const w = this.waiters.shift();
    if (w) w.resume(undefined);
  }
  async pop(): Promise<T> {
    while (this.items.length === 0) {
      this.waiters.push(ds.Fiber.self());
      await ds.suspend();
    }
    return this.items.shift();
  }
}
const q = new Queue<string>();
async function consumer(name: string) {
  while (true) {
    const v = await q.pop();
    console.log(name, v);
    if (v === 'stop') return;
  }
}
consumer.start('c1');
consumer.start('c2');
await ds.sleep(5);
for (let i = 0; i < 6; ++i) {
  q.push('item ' + i);
  await ds.sleep(3);
}
q.push('stop');
q.push('stop');
await ds.sleep(20);
console.log('end');
