import * as ds from '@devicescript/core';

function f(...args: any[]) {
  return args.length + ':' + args.join(',');
}
console.log(f());
console.log(f(1));
console.log(f(1, 2));
console.log(f(1, 2, 3));
console.log(f(1, 2, 3, 4));
console.log(f(1, 2, 3, 4, 5));
console.log(f(1, 2, 3, 4, 5, 6));
console.log(f(1, 2, 3, 4, 5, 6, 7));
console.log(f(1, 2, 3, 4, 5, 6, 7, 8));
const list = [1, 2, 3];
const spread: any = f;
console.log(spread(...list), list.length);
function g(a: any, b?: any, c?: any) {
  return [a, b, c];
}
const h: any = g;
console.log(h(), h(1), h(1, 2), h(1, 2, 3));
console.log(h(1, 2, 3, 4), h(...list));
function rest(a: any, ...r: any[]) {
  return [a, r];
}
const r: any = rest;
console.log(r(), r(1), r(1, 2, 3));
function eight(a: any, b: any, c: any, d: any, e: any, f: any, g: any, h: any) {
  return [h, g, f, e, d, c, b, a];
}
console.log(eight(1, 2, 3, 4, 5, 6, 7, 8));
