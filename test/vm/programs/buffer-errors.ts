import * as ds from '@devicescript/core';

function attempt(f: () => any) {
  try {
    console.log(f());
  } catch (e) {
    console.log((e as Error).name, (e as Error).message);
  }
}
const b: any = Buffer.alloc(4);
const h: any = hex`010203`;
attempt(() => Buffer.alloc(-1));
attempt(() => Buffer.alloc(1e9));
attempt(() => Buffer.alloc('x' as any));
attempt(() => Buffer.alloc(undefined as any));
attempt(() => Buffer.from(5 as any));
attempt(() => Buffer.from('xyz', 'hex'));
attempt(() => Buffer.from('123', 'hex'));
attempt(() => Buffer.from('ab', 'base64' as any));
attempt(() => b.toString('base64'));
attempt(() => h[0] === 1);
attempt(() => b.fillAt(-1, 1, 1));
attempt(() => b.fillAt(10, 1, 1));
attempt(() => b.blitAt(0, 5, 0, 1));
attempt(() => b.blitAt(-1, h, 0, 1));
attempt(() => b.blitAt(0, h, 5, 1));
attempt(() => b.getAt(0, 'u64'));
attempt(() => b.getAt(0, 'zz'));
attempt(() => b.getAt(3, 'u16'));
attempt(() => b.setAt(3, 'u16', 1));
attempt(() => b.setAt(-1, 'u8', 1));
attempt(() => b.rotate('x'));
