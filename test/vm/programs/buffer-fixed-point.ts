import * as ds from '@devicescript/core';

const b = Buffer.alloc(8);
const values = [0, 0.5, 1, -0.5, 0.99, 1.25, -1, 3.999, 100.5, -100.5, 1e6];
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'u0.8', v);
  console.log('u0.8', v, b.getAt(0, 'u0.8'), b.slice(0, 4));
}
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'u4.4', v);
  console.log('u4.4', v, b.getAt(0, 'u4.4'), b.slice(0, 4));
}
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'u8.8', v);
  console.log('u8.8', v, b.getAt(0, 'u8.8'), b.slice(0, 4));
}
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'u16.16', v);
  console.log('u16.16', v, b.getAt(0, 'u16.16'), b.slice(0, 4));
}
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'i1.7', v);
  console.log('i1.7', v, b.getAt(0, 'i1.7'), b.slice(0, 4));
}
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'i8.8', v);
  console.log('i8.8', v, b.getAt(0, 'i8.8'), b.slice(0, 4));
}
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'i16.16', v);
  console.log('i16.16', v, b.getAt(0, 'i16.16'), b.slice(0, 4));
}
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'i22.10', v);
  console.log('i22.10', v, b.getAt(0, 'i22.10'), b.slice(0, 4));
}
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'u0.16', v);
  console.log('u0.16', v, b.getAt(0, 'u0.16'), b.slice(0, 4));
}
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'i1.15', v);
  console.log('i1.15', v, b.getAt(0, 'i1.15'), b.slice(0, 4));
}
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'u0.32', v);
  console.log('u0.32', v, b.getAt(0, 'u0.32'), b.slice(0, 4));
}
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'i2.30', v);
  console.log('i2.30', v, b.getAt(0, 'i2.30'), b.slice(0, 4));
}
