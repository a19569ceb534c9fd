import * as ds from '@devicescript/core';

const spec = ds.Button.spec;
console.log(spec, spec.name, spec.classIdentifier);
const reading = spec.lookup('reading');
console.log(reading, reading.name, reading.code, reading.type, reading.parent === spec);
const down = spec.lookup('down');
console.log(down, down.name, down.code, down.type);
const up = spec.byCode(up1());
console.log(up, up && up.name);
function up1() {
  return spec.lookup('up').code;
}
const set = ds.Settings.spec.lookup('set');
console.log(set.name, set.code, set.type, set.response);
const get = ds.Settings.spec.lookup('get');
console.log(get.name, get.type, get.response, get.response.type, get.response.code);
function attempt(f: () => any) {
  try {
    console.log(f());
  } catch (e) {
    console.log((e as Error).name, (e as Error).message);
  }
}
attempt(() => (spec as any).lookup('nothing'));
attempt(() => spec.byCode(0x7777));
attempt(() => (spec as any).lookup(5));
