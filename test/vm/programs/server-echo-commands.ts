import * as ds from '@devicescript/core';

import { Server, startServer } from '@devicescript/server';

class Echo extends Server {
  constructor() {
    super(ds.Echo.spec);
  }
  add(args: any) {
    console.log('add', args);
    return args[0] + args[1];
  }
  swap(args: any) {
    console.log('swap', args);
    return [args[1], args[0]];
  }
  total(args: any) {
    console.log('total', args);
    let sum = 0;
    for (const v of args) sum += v;
    return [sum, args.length];
  }
  quiet() {
    console.log('quiet');
  }
}
startServer(new Echo() as any);
const echo = new ds.Echo();
const e: any = echo;
await ds.sleep(1500);
const r = await ds.actionReport(echo, 'add', async () => await e.add(3, -5));
console.log(r.decode(), r.payload);
const s = await ds.actionReport(echo, 'swap', async () => await e.swap('left', 'rächts'));
console.log(s.decode(), s.payload);
const t = await ds.actionReport(echo, 'total', async () => await e.total(1.5, 2.5, -1));
console.log(t.decode(), t.payload);
await e.quiet();
await ds.sleep(20);
async function add(i: number) {
  const p = await ds.actionReport(echo, 'add', async () => await e.add(i, i * i));
  console.log(p.decode());
}
for (let i = 0; i < 5; ++i) await add(i);
