import * as ds from '@devicescript/core';

const spec: any = ds.Echo.spec;
function show(name: string, values: any[]) {
  values.forEach((v) => {
    const p = spec.lookup(name).encode(v);
    console.log(name, v, p.payload, p.decode());
  });
}
show('number', [0, 1, -1, 1.5, 1e12, 'x', undefined, null, true]);
show('signed', [0, -1, 32768, -32769]);
show('single', [0.1, 1e39, -0.5, NaN, Infinity]);
show('double', [0.1, 1e39, NaN]);
show('wide', [0, 1e18, -5, 0.5]);
show('flag', [true, false, 2, 'a', '', undefined]);
show('text', ['', 'abc', 5, undefined, hex`4142`]);
show('blob', [hex``, hex`01`, 'abc', 7]);
show('fraction', [0, 0.5, 1, -1, 0.99999]);
show('point', [[1, 2, 'n'], [1, 2], [1, 2, ''], []]);
show('list', [
  [[1, 2]],
  [],
  [
    [1, 2],
    [3, 4],
  ],
  [1, 2, 3, 4],
]);
