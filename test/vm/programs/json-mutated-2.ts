import * as ds from '@devicescript/core';

// JSON, some of it damaged, by a generator
const texts = [
  '{}', '-22684', '-3{92:', '834.714285714286', '{"1":10u7.9e-9}', '', '[]', 'nul', '""', '-1537',
  '{"length":{"1" : 669.57142t85714286,"x1" : {"b" : 9043.285714285714e22,"x1" : -30314},"ulength":{}},"long name" : {"length":"\\\\"}}',
  '0}]', '5362.4E+2}', '3.175e-9', '"x\\ny"', '6229.428571428572E+2', '"a\\"b"', '42.012e3',
  '{"1" : {},"long name" : 4675.714285714285e22,"long name":"a\\"b"}', '",\\\\"', '"k1"', '"constructor"', '241', '-9355', '[]', '[]',
  '5', '{"1":[]}', '"abc"', '".x\\ny"', 'u{}', '-5126', '"ab,"', ',1470', '"constructor"', '"x\\ny"', '-45827', '{}', '-26000',
  '3531.1428571428573e-9', '23.872e3', '160.98e22', 'false', '{114e22', '-41054', '{"1" : [null],"x1":"a\\"b","b" : "\\\\"}',
  '{u"" : true,"1" : [alse}', '[]', '""', 'u"length]"', '26.33e-9', '"abc"', '"x\\nxy":', '[]', '[e""]', '"a\\"b"', '1644.9',
  '[null,"","k1"]', '"k1"', '"length"', '{"1" : {},"":"length","x1":{"a":"length","length" : -10167}}', '"abc"', '-37281',
  '"constructor"', 'false:', 'null', '"', '{}', '"k', '"\\\\"', '"a\\"b"', '""', '"0', 'null', '{}', '6.294e-9',
  '{"" : -44453,"b" : -16212}', '"a\\"b"', '-x149,', '{}', '15431', '-37846', 'false', 'null', '1:94', '"l:ngth"', '', 'true',
  '[[-14279,[-36357,14208,-9961]],true]', 'null', '[{} , {"a" : {"" : false,"length" : false,"1":{"" : null,"1" : ""}}}]', '42E+2-',
  '"\\\\"', '838x[', '"length"', '{"b":"a\\"b","b" : "\\\\"}', '"k1"', '-36433', '[{"length":"x\\ny","b" : false,"b":-20055}]', '[]',
  '[[]]}', '"contructor"', 'true', '-17503', '["constructor",""]', '"\\', '5', '"k1"', '["k1"]', '43.,008',
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
