import * as ds from '@devicescript/core';

let ping: ds.Fiber;
let pong: ds.Fiber;
const log: string[] = [];
async function player(name: string, n: number) {
  for (let i = 0; i < n; ++i) {
    const v = await ds.suspend<string>();
    log.push(name + v);
    const other = name === 'i' ? pong : ping;
    try {
      if (other.suspended) other.resume('' + i);
    } catch (e) {
      log.push((e as Error).message);
    }
  }
}
ping = player.start('i', 5);
pong = player.start('o', 5);
await ds.sleep(5);
ping.resume('go');
await ds.sleep(50);
console.log(log.join(' '));
