import * as ds from '@devicescript/core';

function show(p: ds.Packet) {
  console.log(p.payload, p.serviceCommand, p.isReport, p.isCommand);
  console.log(p.isEvent, p.isRegGet, p.isRegSet, p.isAction);
}
show(ds.Button.spec.lookup('reading').encode(0.5));
show(ds.Button.spec.lookup('up').encode(1234));
show(ds.Button.spec.lookup('down').encode(undefined));
show(ds.Temperature.spec.lookup('reading').encode(-12.5));
show(ds.CharacterScreen.spec.lookup('message').encode('text ä'));
show(ds.Accelerometer.spec.lookup('reading').encode([0.5, -1, 2]));
const p = ds.Button.spec.lookup('up').encode(77);
console.log(p.decode(), p.spec, p.eventCode, p.regCode);
const q = ds.Accelerometer.spec.lookup('reading').encode([0.5, -1, 2]);
console.log(q.decode(), q.regCode, q.spec.name);
