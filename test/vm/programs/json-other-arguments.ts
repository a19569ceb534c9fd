import * as ds from '@devicescript/core';

function attempt(f: () => any) {
  try {
    console.log(f());
  } catch (e) {
    console.log((e as Error).name, (e as Error).message);
  }
}
const p: any = JSON.parse;
attempt(() => p(5));
attempt(() => p(undefined));
attempt(() => p(null));
attempt(() => p({}));
attempt(() => p('[1]', 5));
attempt(() => (JSON.stringify as any)());
attempt(() => JSON.stringify({ a: 1 }, null, 10));
attempt(() => JSON.stringify(new Error('e')));
attempt(() => JSON.stringify(Math));
class P {
  x = 1;
  y = 'z';
  f() {
    return 1;
  }
}
attempt(() => JSON.stringify(new P()));
