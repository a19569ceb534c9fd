import * as ds from '@devicescript/core';

import { Server, startServer } from '@devicescript/server';

class Screen extends Server implements ds.CharacterScreenServerSpec {
  text = 'initial';
  constructor() {
    super(ds.CharacterScreen.spec);
  }
  message() {
    return this.text;
  }
  set_message(v: string) {
    console.log('message', v, v.length);
    this.text = v;
  }
  rows() {
    return 2;
  }
  columns() {
    return 16;
  }
}
startServer(new Screen());
const screen = new ds.CharacterScreen();
await ds.sleep(1500);
console.log(await screen.message.read());
const texts = ['hello', '', 'ä日😀', 'a longer text that still fits into one packet of the bus'];
for (const t of texts) {
  await screen.message.write(t);
  await ds.sleep(600);
  console.log(await screen.message.read());
}
console.log(await screen.rows.read(), await screen.columns.read());
