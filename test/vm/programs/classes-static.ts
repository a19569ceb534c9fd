import * as ds from '@devicescript/core';

class Temperature {
  static count: number;
  value: number;
  constructor(v: number) {
    this.value = v;
    Temperature.count = (Temperature.count || 0) + 1;
  }
  static of(v: number) {
    return new Temperature(v);
  }
}
Temperature.of(1);
Temperature.of(2);
console.log(Temperature.count, Temperature.of(3).value);
