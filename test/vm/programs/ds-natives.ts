import * as ds from '@devicescript/core';

console.log(typeof ds.isSimulator(), typeof ds.millis(), ds.deviceIdentifier('self').length);
console.log(ds._dcfgString('@name'), ds._dcfgString('nope' as any));
function attempt(f: () => any) {
  try {
    console.log(f());
  } catch (e) {
    console.log((e as Error).name, (e as Error).message);
  }
}
attempt(() => ds.assert(true));
attempt(() => ds.assert(false, 'because'));
attempt(() => ds.assert(false));
attempt(() => (ds as any).notImplemented());
attempt(() => (ds as any).noSuchNative);
attempt(() => (ds as any).noSuchNative());
attempt(() => (ds as any).print(62, 'raw'));
attempt(() => (ds as any).print(62, 7));
attempt(() => ds.keep(1 as any));
