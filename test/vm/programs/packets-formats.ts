import * as ds from '@devicescript/core';

const cases: any[] = [
  [ds.Motor.spec.lookup('speed'), [0.5, -0.5, 1, -1, 2]],
  [ds.Motor.spec.lookup('enabled'), [true, false, 1, 0, 'x']],
  [ds.Motor.spec.lookup('loadTorque'), [0, 1.5, 100, -5, 70000]],
  [ds.Temperature.spec.lookup('reading'), [0, 25.125, -40, 1e7]],
  [ds.Button.spec.lookup('up'), [0, 1, 65536, 4294967295, 4294967296, -1]],
  [ds.CharacterScreen.spec.lookup('message'), ['', 'a', 'ä日']],
  [ds.Led.spec.lookup('pixels'), [hex``, hex`0102`]],
  [ds.Accelerometer.spec.lookup('supportedRanges'), [[], [1], [1, 2, 3]]],
];
cases.forEach((c) => {
  const spec = c[0];
  (c[1] as any[]).forEach((v) => {
    const p = spec.encode(v);
    console.log(spec.name, v, p.payload, p.decode());
  });
});
