import * as ds from '@devicescript/core';

abstract class Shape {
  abstract area(): number;
  describe() {
    return this.label() + ' ' + this.area();
  }
  label() {
    return 'shape';
  }
}
class Square extends Shape {
  constructor(public side: number) {
    super();
  }
  area() {
    return this.side * this.side;
  }
  override label() {
    return 'square';
  }
}
class Circle extends Shape {
  r = 2;
  area() {
    return Math.round(Math.PI * this.r * this.r);
  }
}
const shapes: Shape[] = [new Square(3), new Circle()];
for (const s of shapes) console.log(s.describe(), s instanceof Square, s instanceof Shape);
