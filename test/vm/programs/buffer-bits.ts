import '@devicescript/core';
const b = hex`8040201008040201`;
let s = '';
for (let i = 0; i < b.length; ++i) {
  let byte = b[i];
  for (let k = 0; k < 8; ++k) {
    s += byte & 1;
    byte >>= 1;
  }
}
console.log(s);
let crc = 0xffff;
for (let i = 0; i < b.length; ++i) {
  crc ^= b[i] << 8;
  for (let k = 0; k < 8; ++k)
    crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
}
console.log(crc);
const w = Buffer.alloc(4);
w.setAt(0, 'u32', 0xdeadbeef);
console.log(w, w.getAt(0, 'i32'), w.getAt(0, 'u16'), w.getAt(2, 'i16'), w[3]);
