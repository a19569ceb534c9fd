import * as ds from '@devicescript/core';

import { Server, startServer } from '@devicescript/server';

class Echo extends Server {
  v: any = {};
  constructor() {
    super(ds.Echo.spec);
  }
  number() {
    return this.v.number;
  }
  set_number(x: any) {
    console.log('number', x);
    this.v.number = x;
  }
  signed() {
    return this.v.signed;
  }
  set_signed(x: any) {
    console.log('signed', x);
    this.v.signed = x;
  }
  single() {
    return this.v.single;
  }
  set_single(x: any) {
    console.log('single', x);
    this.v.single = x;
  }
  double() {
    return this.v.double;
  }
  set_double(x: any) {
    console.log('double', x);
    this.v.double = x;
  }
  wide() {
    return this.v.wide;
  }
  set_wide(x: any) {
    console.log('wide', x);
    this.v.wide = x;
  }
  flag() {
    return this.v.flag;
  }
  set_flag(x: any) {
    console.log('flag', x);
    this.v.flag = x;
  }
  text() {
    return this.v.text;
  }
  set_text(x: any) {
    console.log('text', x);
    this.v.text = x;
  }
  blob() {
    return this.v.blob;
  }
  set_blob(x: any) {
    console.log('blob', x);
    this.v.blob = x;
  }
  fraction() {
    return this.v.fraction;
  }
  set_fraction(x: any) {
    console.log('fraction', x);
    this.v.fraction = x;
  }
}
startServer(new Echo() as any);
const echo = new ds.Echo();
await ds.sleep(1500);
async function round(name: string, values: any[]) {
  const reg: ds.Register<any> = (echo as any)[name];
  for (let i = 0; i < values.length; ++i) {
    await reg.write(values[i]);
    await ds.sleep(550);
    console.log(name, values[i], await reg.read());
  }
}
await round('number', [0, 1, 65536, 4294967295, -1, 1.5]);
await round('signed', [0, -1, 32767, -32768, 40000]);
await round('single', [0, 0.5, 1 / 3, -1e10, 1e30]);
await round('double', [0.1, -1e100, 5]);
await round('wide', [0, 1, 1e15, 4294967296]);
await round('flag', [true, false, 1, 0]);
await round('text', ['', 'abc', 'ä日😀']);
await round('blob', [hex``, hex`00ff`, hex`0102030405060708090a`]);
await round('fraction', [0, 0.5, 1, 0.3]);
