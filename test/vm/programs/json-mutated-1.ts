import * as ds from '@devicescript/core';

// JSON, some of it damaged, by a generator
const texts = [
  '{"long name":{}}', '4279.2E+2', ':"', '', '-24720', '{"a" : 3263.3e-9}', '"constructor"', '-3370',
  '[["\\\\" , ["a\\"b",{}] , "a\\"b"]]', '6621e-9', '{}', '"constructo0"', '"length"', '{"k1"', 'null', '{"length" : "constructor"}',
  'true', 'null', '{}', '"length"', '[]', '1164', ',', 'true', '"\\\\"', '-5809', '-41865', 'unull', '4806.57',
  '[-33275,2257.714285714286e', '-49{33', '"k1"', '"k""', '{"long -name" : [[{"":"abc","b":"x\\ny","long name" ', 'true', '5794.7',
  '3700', ':', '875', '-3"531', '6588.428571428572e3', '8828.857142857143.', '"length"', '', '}ull', '{"length" : 15246,"a":{}}',
  '{"1":-31907}', '{"ong name" : 181.57142857142858e2}', '-8197', '"\\\\"', '-22554', '"', 'true', 'false', 'fale', '"', '"\\\\"',
  '"length"', '-517', '5356e-9', 'nu1ll', '{"x1":"a\\"b","b":{"length" : "\\\\"},"1" : false', '-1422', '{', '[]', '-11405', '37.152',
  'true', '-44638', '{}', 'false', '"x\\ny"', 'false', '{"long name":-2377,"x"1" : {"long name" : 4381.714285714285E+2}}', '{',
  '[-42036]', '"x\\ny"', 'nll', '53.062', '-', '[]', '{"x1" : 16.773,"1":-21230,"a" : 5274.7e22}', '10.697E+2', '289', '{}', '-5408',
  '-36276', '"', 'false', '"a\\"b"', '-18813', '-1', '"\\\\"', '"\\\\"', '', 'falsex', 't', '7016.12857142857', 'nul}', '[}',
  '{"1":{},"long name" : 6043,":399405e22}', 'x', '".', '"lengt}h"', '', '{"long name" : "\\\\"}', '-13316', '"length"', '14224',
  '"\\\\"',
];
let at = 0;
for (const t of texts) {
  try {
    const value = JSON.parse(t);
    console.log(at, typeof value, value, JSON.stringify(value), JSON.stringify(value, null, 2).length);
  } catch (e) {
    console.log(at, (e as Error).message);
  }
  at++;
  if (at % 20 === 0) await ds.sleep(1);
}
