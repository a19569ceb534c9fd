import * as ds from '@devicescript/core';

class Blinker {
  n = 0;
  constructor(public name: string) {}
  async run(times: number) {
    for (let i = 0; i < times; ++i) {
      this.n++;
      await ds.sleep(10);
    }
    console.log(this.name, 'ran', this.n);
  }
}
const a = new Blinker('a');
const b = new Blinker('b');
a.run.start(3);
b.run.start(2);
await ds.sleep(100);
console.log(a.n, b.n);
