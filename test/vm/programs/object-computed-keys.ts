import * as ds from '@devicescript/core';

const key = 'dyn';
const o: any = { ['a' + 1]: 1, [key]: 2, 'with space': 3, 5: 'five' };
console.log(o);
console.log(o.a1, o.dyn, o['with space'], o[5]);
const short = 1;
const p = { short, key };
console.log(p);
const nested = { a: { b: { c: { d: 1 } } } };
console.log(nested.a.b.c.d, nested?.a?.b, (nested as any).x?.y);
try {
  console.log((nested as any).x?.y?.z);
} catch (e) {
  console.log((e as Error).message);
}
const f: any = undefined;
console.log(f?.(), f?.a, f?.[0]);
