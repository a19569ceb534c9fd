import * as ds from '@devicescript/core';

const texts = [
  '',
  ' ',
  '{',
  '}',
  '[',
  ']',
  '[1',
  '[1,',
  '[1,]',
  '[,]',
  '{"a"',
  '{"a":',
  '{"a":1',
  '{"a":1,',
  '{"a":1,}',
  '{a:1}',
  "{'a':1}",
  'tru',
  'nul',
  'True',
  '"abc',
  '"\\x"',
  '"\\u12"',
  '1 2',
  '[1] x',
  '--1',
  '+1',
  '.5',
  '1.',
  '1e',
  '01',
  'NaN',
  'undefined',
  '{"a" 1}',
  '[1 2]',
  '"a\nb"',
];
texts.forEach((t) => {
  try {
    console.log(t, 'gives', JSON.parse(t));
  } catch (e) {
    console.log(t, (e as Error).name, (e as Error).message);
  }
});
