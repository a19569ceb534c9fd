import * as ds from '@devicescript/core';

class Animal {
  constructor(public name: string) {}
  speak() {
    return this.name + ' makes a sound';
  }
  twice() {
    return this.speak() + '; ' + this.speak();
  }
}
class Dog extends Animal {
  legs = 4;
  constructor(name: string) {
    super(name);
  }
  override speak() {
    return this.name + ' barks';
  }
}
class Puppy extends Dog {
  constructor() {
    super('Puppy');
  }
  play() {
    return this.speak() + ' and plays on ' + this.legs;
  }
}
const a = new Animal('Cat');
const d = new Dog('Rex');
const p = new Puppy();
console.log(a.speak(), d.speak(), p.speak());
console.log(p.twice());
console.log(p.play());
console.log(p instanceof Puppy, p instanceof Dog, p instanceof Animal, a instanceof Dog);
console.log(a, d, p);
const x: any = 5;
console.log(x instanceof Animal, ([] as any) instanceof Animal);
