import * as ds from '@devicescript/core';

const reg = ds.Temperature.spec.lookup('reading').encode(1.5);
console.log(reg, reg.spec, reg.spec.parent);
console.log(reg.role, reg.serviceIndex, reg.flags, reg.isEvent);
console.log(reg.eventCode, reg.regCode, reg.isRegSet, reg.isRegGet);
const p: any = reg;
p.extra = 5;
console.log(p.extra, p.nothing);
console.log(reg.payload, reg.payload.length, reg.decode());
reg.payload[0] = 7;
console.log(reg.payload, reg.decode());
console.log(reg.notImplemented().serviceCommand, reg.notImplemented().payload);
console.log(typeof reg, reg instanceof ds.Packet);
