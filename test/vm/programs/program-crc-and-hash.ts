import * as ds from '@devicescript/core';

function crc32(b: Buffer) {
  let c = -1;
  for (let i = 0; i < b.length; ++i) {
    c ^= b[i];
    for (let k = 0; k < 8; ++k) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  }
  return ~c >>> 0;
}
console.log(crc32(Buffer.from('123456789')), crc32(Buffer.alloc(0)), crc32(Buffer.from('ä')));
function fnv(s: string) {
  let h = 0x811c9dc5;
  for (let i = 0; i < s.length; ++i) {
    h ^= s.charCodeAt(i);
    h = Math.imul(h, 16777619);
  }
  return h >>> 0;
}
console.log(fnv(''), fnv('a'), fnv('foobar'), fnv('日本'));
function adler(b: Buffer) {
  let x = 1;
  let y = 0;
  for (let i = 0; i < b.length; ++i) {
    x = (x + b[i]) % 65521;
    y = (y + x) % 65521;
  }
  return y * 65536 + x;
}
console.log(adler(Buffer.from('Wikipedia')));
