import * as ds from '@devicescript/core';

const texts = [
  '0',
  '42',
  '-42',
  '+7',
  ' 12 ',
  '1.5',
  '-1.5e3',
  '1e-2',
  '.5',
  '5.',
  '',
  ' ',
  'abc',
  '12abc',
  '0x1f',
  '1e400',
  '-',
  '1_000',
  '1,5',
  'Infinity',
  'NaN',
  '٣',
  '9007199254740993',
  '0.1',
  '123456789.987654321',
  '1e',
  '1e+',
  '--1',
  '0010',
];
texts.forEach((t) => {
  console.log(t, parseInt(t), parseFloat(t), +(t as any));
});
console.log(
  parseInt(undefined as any),
  parseFloat(undefined as any),
  parseInt(5.7 as any),
  parseFloat(5.7 as any),
);
console.log(
  parseInt(true as any),
  parseInt(null as any),
  parseInt([] as any),
  parseFloat({} as any),
);
