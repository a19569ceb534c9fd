import * as ds from '@devicescript/core';

const b = Buffer.alloc(16);
const values = [
  0, 1, -1, 127, 128, 255, 256, 32767, 65535, 65536, 2147483647, 1.5, -1.5, 1e10, -1e10,
];
for (const v of values) {
  b.fillAt(0, 16, 17);
  b.setAt(1, 'u8', v);
  console.log('u8', v, b.getAt(1, 'u8'), b.slice(0, 10));
}
for (const v of values) {
  b.fillAt(0, 16, 17);
  b.setAt(1, 'u16', v);
  console.log('u16', v, b.getAt(1, 'u16'), b.slice(0, 10));
}
for (const v of values) {
  b.fillAt(0, 16, 17);
  b.setAt(1, 'u32', v);
  console.log('u32', v, b.getAt(1, 'u32'), b.slice(0, 10));
}
for (const v of values) {
  b.fillAt(0, 16, 17);
  b.setAt(1, 'i8', v);
  console.log('i8', v, b.getAt(1, 'i8'), b.slice(0, 10));
}
for (const v of values) {
  b.fillAt(0, 16, 17);
  b.setAt(1, 'i16', v);
  console.log('i16', v, b.getAt(1, 'i16'), b.slice(0, 10));
}
for (const v of values) {
  b.fillAt(0, 16, 17);
  b.setAt(1, 'i32', v);
  console.log('i32', v, b.getAt(1, 'i32'), b.slice(0, 10));
}
for (const v of values) {
  b.fillAt(0, 16, 17);
  b.setAt(1, 'f32', v);
  console.log('f32', v, b.getAt(1, 'f32'), b.slice(0, 10));
}
for (const v of values) {
  b.fillAt(0, 16, 17);
  b.setAt(1, 'f64', v);
  console.log('f64', v, b.getAt(1, 'f64'), b.slice(0, 10));
}
for (const v of values) {
  b.fillAt(0, 16, 17);
  b.setAt(1, 'u64', v);
  console.log('u64', v, b.getAt(1, 'u64'), b.slice(0, 10));
}
for (const v of [0, 1, -1, 127, -128, 65536, 2147483647, -2147483648]) {
  b.fillAt(0, 16, 17);
  b.setAt(1, 'i64', v);
  console.log('i64', v, b.getAt(1, 'i64'), b.slice(0, 10));
}
