import * as ds from '@devicescript/core';

// patch: alloc_array alloc_buffer
function patchedAlloc() {
  const x: any = [];
  return x;
}
console.log(patchedAlloc(), patchedAlloc().length);
