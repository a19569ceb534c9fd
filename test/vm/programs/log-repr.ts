import * as ds from '@devicescript/core';

ds._logRepr(5, 'label');
ds._logRepr('text', 'str');
ds._logRepr({ a: [1, 2], b: 'c' }, 'obj');
ds._logRepr([1, { x: 2 }]);
ds._logRepr(undefined);
ds._logRepr(hex`0102`, 'buf');
