import * as ds from '@devicescript/core';

const state: any = { a: { list: [1, 2], map: {} }, n: 0 };
function touch(path: string[], v: any) {
  let o = state;
  for (let i = 0; i < path.length - 1; ++i) {
    if (o[path[i]] === undefined) o[path[i]] = {};
    o = o[path[i]];
  }
  o[path[path.length - 1]] = v;
}
touch(['a', 'map', 'x'], 1);
touch(['b', 'c', 'd'], 'deep');
touch(['n'], state.n + 1);
state.a.list[2] = 'end';
console.log(state);
console.log(JSON.stringify(state));
