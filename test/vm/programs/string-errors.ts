import * as ds from '@devicescript/core';

function attempt(f: () => any) {
  try {
    console.log(f());
  } catch (e) {
    console.log((e as Error).name, (e as Error).message);
  }
}
const s: any = 'text';
attempt(() => s.indexOf(5));
attempt(() => s.indexOf(undefined));
attempt(() => s.slice('x'));
attempt(() => s.charAt('x'));
attempt(() => s.charCodeAt(undefined));
attempt(() => s.charAt(1.7));
attempt(() => s.nothing);
attempt(() => s.nothing());
attempt(() => (s.length = 3));
attempt(() => (s[0] = 'x'));
attempt(() => String.fromCharCode(-1));
attempt(() => s.split());
attempt(() => s.slice(undefined, 2));
