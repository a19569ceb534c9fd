import * as ds from '@devicescript/core';

// one character of the next line is at fault
await ds.snooze(10);
