import * as ds from '@devicescript/core';

const d: any = ds;
for (const c of ['>', '*', '!', '?']) d.print(c.charCodeAt(0), 'level ' + c);
d.print(62, '');
d.print(62, 'two\nlines');
d.print(62, 'ä日😀');
