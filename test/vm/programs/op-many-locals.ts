import * as ds from '@devicescript/core';

function many(a: number, b: number) {
  let c = a + b;
  let d = c * 2;
  let e = d - a;
  let f = e + 1;
  let g = f * f;
  let h = g % 7;
  let i = h + c;
  let j = i - d;
  let k = j * e;
  let l = k + f;
  let m = l - g;
  let n = m + h;
  let o = n * 2;
  let p = o - i;
  let q = p + j;
  let r = q - k;
  let s = r + l;
  let t = s - m;
  return [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t];
}
console.log(many(3, 4));
console.log(many(-1, 0.5));
