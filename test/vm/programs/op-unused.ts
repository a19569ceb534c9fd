import * as ds from '@devicescript/core';

// patch: neg abs
function patchedAbs(x: any) {
  return -x;
}
for (const v of [0, 1, -1, 2.5, -2.5, -2147483648, NaN]) console.log(v, patchedAbs(v));
