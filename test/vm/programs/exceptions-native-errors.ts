import * as ds from '@devicescript/core';

function attempt(name: string, f: () => any) {
  try {
    console.log(name, f());
  } catch (e) {
    console.log(name, (e as Error).name, (e as Error).message);
    if ((e as Error).print) (e as Error).print();
  }
}
attempt('json', () => JSON.parse('{bad'));
attempt('buffer', () => Buffer.alloc(-5));
attempt('call', () => (undefined as any)());
attempt('field', () => (null as any).x);
attempt('hex', () => Buffer.from('zz', 'hex'));
