import * as ds from '@devicescript/core';

function a() {
  let x = 1;
  return () => {
    let y = 2;
    return () => {
      let z = 3;
      return () => {
        x++;
        y += x;
        z += y;
        return [x, y, z];
      };
    };
  };
}
const d = a()()();
console.log(d(), d(), d());
const other = a()()();
console.log(other(), d());
