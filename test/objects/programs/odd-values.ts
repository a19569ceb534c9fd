// Every native and operator on every kind of value, chosen at random: nothing may crash. The runner
// (odd-values.ts) gives the seed.
import * as ds from '@devicescript/core';
import { Image } from '@devicescript/graphics';
class A {
  x = 1;
  m(q: any) {
    return this.x + q;
  }
}
class B extends A {
  y: any = [];
}
function und(): any {
  return undefined;
}
function id(q: any): any {
  return q;
}
const role = new ds.Button();
function base(): any[] {
  let c = 5;
  return [
    und(),
    null,
    true,
    false,
    0,
    -1,
    1,
    3,
    1.5,
    -0.5,
    NaN,
    Infinity,
    1e10,
    -2147483648,
    2147483647,
    65535,
    100000,
    'abc',
    'aé€😀',
    '',
    'length',
    'a' + id('bc'),
    'hex',
    '12',
    [],
    [1, 2, 3],
    [[], {}],
    {},
    { a: 1, b: { c: 2 } },
    hex`0102030405ff`,
    Buffer.alloc(5),
    Buffer.alloc(0),
    id,
    A,
    B,
    new A(),
    new B(),
    Math,
    Array,
    Object,
    Buffer,
    String,
    Error,
    new Error('e'),
    ds,
    JSON,
    () => c++,
    new A().m,
    [].push,
    Image,
    Image.alloc(5, 9, 4),
    Image.alloc(9, 5, 1),
    Image.alloc(2, 4, 4, hex`1234567890abcdef`),
    role,
    ds.Fiber.self(),
    role.down,
    role.pressed,
  ];
}
const names: string[] = [
  'length',
  'push',
  'insert',
  'slice',
  'join',
  'pushRange',
  'toString',
  'fillAt',
  'blitAt',
  'rotate',
  'indexOf',
  'fillRandom',
  'charCodeAt',
  'charAt',
  'byteLength',
  'fromCharCode',
  'toLowerCase',
  'toUpperCase',
  'alloc',
  'from',
  'isArray',
  'keys',
  'values',
  'assign',
  'setPrototypeOf',
  'name',
  'prototype',
  'constructor',
  'stringify',
  'parse',
  'format',
  '_logRepr',
  'parseInt',
  'parseFloat',
  'abs',
  'floor',
  'round',
  'pow',
  'log',
  'idiv',
  'imod',
  'imul',
  'min',
  'max',
  'randomInt',
  'message',
  '__stack__',
  'print',
  'width',
  'height',
  'bpp',
  'buffer',
  'set',
  'get',
  'fill',
  'fillRect',
  'equals',
  'clone',
  'flipX',
  'flipY',
  'transposed',
  'drawImage',
  'drawTransparentImage',
  'overlapsWith',
  'drawLine',
  'blitRow',
  'fillCircle',
  'x',
  'm',
  'a',
  'zz',
  'isBound',
  'spec',
  'code',
  'role',
  'classIdentifier',
  'lookup',
  'byCode',
  'encode',
  'id',
  'suspended',
  '__proto__',
  'y',
  'sin',
  'notImplemented',
];
let vals: any[] = base();
function rnd(): any {
  return vals[Math.randomInt(vals.length - 1)];
}
function key(): any {
  return Math.randomInt(4) === 0 ? rnd() : names[Math.randomInt(names.length - 1)];
}
function step(): any {
  const k = Math.randomInt(11);
  const v = rnd();
  if (k === 0) return v[key()];
  if (k === 1) {
    v[key()] = rnd();
    return v;
  }
  if (k === 2) {
    delete v[key()];
    return v;
  }
  if (k === 3) return v + rnd();
  if (k === 4) {
    const f = rnd();
    return new f(rnd(), rnd());
  }
  if (k === 5) return [v === rnd(), v instanceof rnd(), typeof v, !v, v | 0, -v, v * 2];
  if (k === 6) return { a: v, b: rnd() };
  if (k === 7) return [v, rnd()];
  if (k === 8) {
    ds._logRepr;
    return `${v}`;
  }
  const n = key();
  const c = Math.randomInt(5);
  if (c === 0) return v[n]();
  if (c === 1) return v[n](rnd());
  if (c === 2) return v[n](rnd(), rnd());
  if (c === 3) return v[n](rnd(), rnd(), rnd());
  if (c === 4) return v[n](rnd(), rnd(), rnd(), rnd());
  return v[n](rnd(), rnd(), rnd(), rnd(), rnd());
}
let errs = 0;
for (let i = 0; i < 6000; ++i) {
  try {
    const r = step();
    vals[Math.randomInt(vals.length - 1)] = r;
    if (i % 50 === 0) console.log(r);
  } catch (e: any) {
    errs++;
    if (i % 50 === 0) console.log(e.message);
  }
  if (i % 300 === 299) {
    vals = base();
  }
}
console.log('errors', errs);
ds.restart();
