import * as ds from '@devicescript/core';

import { encodeURIComponent } from '@devicescript/runtime';
console.log(
  encodeURIComponent('a b&c=d/ä日?'),
  encodeURIComponent(''),
  encodeURIComponent("~!*()'-_."),
);
