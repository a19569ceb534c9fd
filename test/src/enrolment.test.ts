import { beforeAll, describe, expect, it } from 'vitest';
import { runOnVm } from './vm.ts';

const PROGRAM = `
import { Enrolment, blinkPattern, pressToAnswer } from 'lib/enrolment';

const plain = new Enrolment({ words: ['yes', 'no'], takes: 3, holdOutEvery: 3 });
while (!plain.done()) {
  const ask = plain.request();
  console.log(ask.word, ask.name, ask.take, ask.takes, ask.heldOut);
  plain.answer(-20, 'yes', ask.take < 3 ? ask.word : 1);
}
console.log(plain.count(), plain.givenUp(), Math.round(plain.rightShare() * 600));

const fussy = new Enrolment({ words: ['up', 'down'], takes: 1, minLevel: -40, attempts: 3, holdOutEvery: 0 });
console.log(fussy.answer(-20, 'wrong', 0), fussy.request().name, fussy.rightShare());
console.log(fussy.answer(-41, 'none', 0), fussy.request().name);
console.log(fussy.answer(-39, 'none', 1), fussy.request().name);
console.log(fussy.answer(-20, 'wrong', 0), fussy.answer(-20, 'wrong', 0), fussy.done());
console.log(fussy.answer(-20, 'wrong', 0), fussy.done(), fussy.count(), fussy.givenUp());
const whisper = new Enrolment({ words: ['up'], takes: 1, minLevel: -40 });
console.log(whisper.answer(-70, 'yes', 0), whisper.done());
const alone = new Enrolment({ words: ['up', 'down', 'off'], takes: 1, attempts: 1, giveUp: 2 });
console.log(alone.answer(-90, 'none', 0), alone.abandoned(), alone.answer(-20, 'yes', 0), alone.abandoned());
const left = new Enrolment({ words: ['up', 'down', 'off'], takes: 1, attempts: 1, giveUp: 2 });
left.answer(-90, 'none', 0);
left.answer(-90, 'none', 0);
console.log(left.abandoned(), left.done());
console.log(pressToAnswer(120), pressToAnswer(499), pressToAnswer(500));
console.log(blinkPattern(0).join(), blinkPattern(2).join());
`;

describe('enrolment on the official VM', () => {
  let lines: string[] = [];
  beforeAll(async () => {
    lines = await runOnVm('enrolment', PROGRAM);
  });

  it('asks for every word once before any comes again, and holds out every third take', () => {
    expect(lines.slice(0, 7)).toEqual([
      '0 yes 1 3 false',
      '1 no 1 3 false',
      '0 yes 2 3 false',
      '1 no 2 3 false',
      '0 yes 3 3 true',
      '1 no 3 3 true',
      '6 0 500',
    ]);
  });

  it('counts what the model recognised: all but the last round’s "yes"', () => {
    expect(lines[6]).toBe('6 0 500');
  });

  it('asks again after "wrong" and after silence', () => {
    expect(lines.slice(7, 10)).toEqual(['false up 0', 'false up', 'true down']);
  });

  it('gives a take up after too many attempts', () => {
    expect(lines.slice(10, 12)).toEqual(['false false false', 'false true 1 1']);
  });

  it('takes a quiet window when the person says yes', () => {
    expect(lines[12]).toBe('true true');
  });

  it('sees when nobody is there any more, unless somebody answers in between', () => {
    expect(lines[13]).toBe('false false true false');
    expect(lines[14]).toBe('true false');
  });

  it('reads a short press as yes and a hold as wrong', () => {
    expect(lines[15]).toBe('yes yes wrong');
  });

  it('counts the word out on the LED', () => {
    expect(lines[16]).toBe('300,150,80,120 300,150,80,120,80,120,80,120');
  });
});
