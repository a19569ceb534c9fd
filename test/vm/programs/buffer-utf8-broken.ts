import * as ds from '@devicescript/core';

const cases = [
  hex`ff fe 41`,
  hex`c3`,
  hex`e2 82`,
  hex`ed a0 80`,
  hex`c0 80`,
  hex`f0 9f 98`,
  hex`80`,
  hex`61 c3 62`,
  hex`e2 82 41`,
  hex`f4 90 80 80`,
];
for (const b of cases) {
  const s = b.toString();
  console.log(b, s.length, s.byteLength, Buffer.from(s));
  for (let i = 0; i < s.length; ++i) console.log(i, s.charCodeAt(i));
}
