import * as ds from '@devicescript/core';

class MyError extends Error {
  constructor(m: string) {
    super(m);
    this.name = 'MyError';
  }
}
function inner() {
  throw new MyError('mine');
}
function middle() {
  inner();
}
try {
  middle();
} catch (e) {
  const error = e as Error;
  console.log(error.name, error.message, error instanceof MyError, error instanceof Error);
  error.print();
}
try {
  const o: any = undefined;
  o.x();
} catch (e) {
  (e as Error).print();
}
const loose = new Error('never thrown');
loose.print();
console.log(new Error(), new SyntaxError('s'));
const called: any = Error;
console.log(called('called'));
