import * as ds from '@devicescript/core';

const b = Buffer.alloc(8);
const values = [1e15, -1e15, 1e-300, 0.49999, 0.5, 0.50001, -0.5, 254.5, 255.4, 255.5];
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'u8', v);
  console.log('u8', v, b.getAt(0, 'u8'), b.slice(0, 8));
}
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'i8', v);
  console.log('i8', v, b.getAt(0, 'i8'), b.slice(0, 8));
}
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'u16', v);
  console.log('u16', v, b.getAt(0, 'u16'), b.slice(0, 8));
}
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'i16', v);
  console.log('i16', v, b.getAt(0, 'i16'), b.slice(0, 8));
}
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'u32', v);
  console.log('u32', v, b.getAt(0, 'u32'), b.slice(0, 8));
}
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'i32', v);
  console.log('i32', v, b.getAt(0, 'i32'), b.slice(0, 8));
}
for (const v of values) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'u64', v);
  console.log('u64', v, b.getAt(0, 'u64'), b.slice(0, 8));
}
for (const v of [0, 1, -1, 127, -128, 65536, 2147483647, -2147483648]) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'i64', v);
  console.log('i64', v, b.getAt(0, 'i64'), b.slice(0, 8));
}
for (const v of [0, 1, -1, 127, -128, 65536, 2147483647, -2147483648]) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'f32', v);
  console.log('f32', v, b.getAt(0, 'f32'), b.slice(0, 8));
}
for (const v of [0, 1, -1, 127, -128, 65536, 2147483647, -2147483648]) {
  b.fillAt(0, 8, 0);
  b.setAt(0, 'f64', v);
  console.log('f64', v, b.getAt(0, 'f64'), b.slice(0, 8));
}
