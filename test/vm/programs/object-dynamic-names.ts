import * as ds from '@devicescript/core';

const o: any = {};
for (let i = 0; i < 200; ++i) {
  const name = 'n' + (i % 50);
  o[name] = (o[name] || 0) + i;
}
console.log(Object.keys(o).length, o.n0, o.n49, o['n' + 7]);
const parsed = JSON.parse('{"alpha":1,"beta":{"gamma":2}}');
console.log(parsed.alpha, parsed.beta.gamma, parsed['al' + 'pha']);
const names = 'one two three'.split(' ');
const p: any = {};
names.forEach((n, i) => {
  p[n] = i;
});
console.log(p.one, p.two, p.three, p);
