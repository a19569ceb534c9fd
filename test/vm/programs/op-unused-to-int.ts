import * as ds from '@devicescript/core';

// patch: neg to_int
function patchedToInt(x: any) {
  return -x;
}
for (const v of [0, 1, -1, 2.5, -2.5, 2147483647, true]) console.log(v, patchedToInt(v));
