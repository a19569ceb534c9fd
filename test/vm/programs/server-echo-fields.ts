import * as ds from '@devicescript/core';

import { Server, startServer } from '@devicescript/server';

class Echo extends Server {
  p: any = [1, -2, 'origin'];
  l: any = [];
  constructor() {
    super(ds.Echo.spec);
  }
  point() {
    return this.p;
  }
  set_point(x: any) {
    console.log('point', x);
    this.p = x;
  }
  list() {
    return this.l;
  }
  set_list(x: any) {
    console.log('list', x);
    this.l = x;
  }
}
startServer(new Echo() as any);
const echo: any = new ds.Echo();
await ds.sleep(1500);
console.log(await echo.point.read());
await echo.point.write([3, 4, 'there']);
await ds.sleep(550);
console.log(await echo.point.read());
await echo.point.write([-5, 32767, '']);
await ds.sleep(550);
console.log(await echo.point.read());
console.log(await echo.list.read());
await echo.list.write([
  [1, 2],
  [3, 4],
  [5, 6],
]);
await ds.sleep(550);
console.log(await echo.list.read());
