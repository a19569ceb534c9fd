import * as ds from '@devicescript/core';

const f: any = ds.format;
console.log(f('{0} {1}', 1, 'two'), f('{1} {0}', 1, 2), f('{0}{0}', 'x'));
console.log(f('{5}', 1), f('{', 1), f('}', 1), f('{{0}}', 1), f('{}', 1), f('{a}', 1));
console.log(
  f('plain'),
  f('{0}', undefined),
  f('{0}', null),
  f('{0}', [1, 'a']),
  f('{0}', { a: 'b' }),
);
console.log(f('{0}', 'str'), f('{0}', true), f('{0}', 1 / 3), f('{10}', 1), f('{0} {0'));
console.log(f('{05}', 1.23456), f('{02}', 3.14159), f('{0,2}', 1));
console.log(f('a{0}b{1}c{2}d', 1, 2));
function attempt(g: () => any) {
  try {
    console.log(g());
  } catch (e) {
    console.log((e as Error).name, (e as Error).message);
  }
}
attempt(() => f());
attempt(() => f(5));
attempt(() => f(undefined, 1));
