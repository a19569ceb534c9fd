import * as ds from '@devicescript/core';

ds._logRepr(5, 'label');
ds._logRepr('text', 'str');
ds._logRepr(undefined);
