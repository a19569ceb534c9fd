import * as ds from '@devicescript/core';

function name(x: any) {
  switch (x) {
    case 0:
      return 'zero';
    case 1:
    case 2:
      return 'one or two';
    case 'a':
      return 'letter';
    case null:
      return 'null';
    default:
      return 'other';
  }
}
for (const v of [0, 1, 2, 3, 'a', 'b', null, undefined] as any[]) console.log(v, name(v));
function fall(x: number) {
  let s = '';
  switch (x) {
    case 1:
      s += '1';
      break;
    case 2:
      s += '2';
      break;
    default:
      s += 'd';
      break;
    case 3:
      s += '3';
  }
  return s;
}
console.log(fall(1), fall(2), fall(3), fall(4));
