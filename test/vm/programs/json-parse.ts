import * as ds from '@devicescript/core';

const texts = [
  '0',
  '-1',
  '1.5',
  '1e3',
  '-2.5E-2',
  '123456789012',
  'true',
  'false',
  'null',
  '""',
  '"abc"',
  '"a\\"b\\\\c\\/d"',
  '"\\n\\t\\b\\f"',
  '"\\u0041\\u00e4\\u65e5"',
  '"ä日😀"',
  '[]',
  '[1,2,3]',
  '[ 1 , [ 2 ] ]',
  '{}',
  '{"a":1}',
  ' { "a" : [ 1 , { "b" : null } ] } ',
  '{"a":1,"a":2}',
  '\n\t[\n1\n]\n',
  '{"odd key":1,"":2}',
  '"\\ud83d\\ude00"',
  '[1.25,-0,0.1]',
];
texts.forEach((t) => {
  try {
    console.log(t, JSON.parse(t));
  } catch (e) {
    console.log(t, (e as Error).name, (e as Error).message);
  }
});
