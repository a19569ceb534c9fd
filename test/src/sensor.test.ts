import { beforeAll, describe, expect, it } from 'vitest';
import { runOnVm } from './vm.ts';

const PROGRAM = `
import { Sensor, WakeLevel } from 'lib/sensor';

const WORD = { level: -30, peak: -13, clipped: 0, soundMs: 500 };
const SQUARE = { level: -0.1, peak: 0, clipped: 8000, soundMs: 2000 };
const HUM = { level: -20, peak: -16.9, clipped: 0, soundMs: 2000 };
const FAN = { level: -40, peak: -28, clipped: 0, soundMs: 2000 };
const LOUD = { level: -14, peak: 0, clipped: 80, soundMs: 700 };

const sensor = new Sensor({});
console.log(sensor.judge(WORD), sensor.judge(LOUD), sensor.judge(FAN), '[' + sensor.fault() + ']');
console.log(sensor.judge(SQUARE), '[' + sensor.fault() + ']');
console.log(sensor.judge(HUM), sensor.fault());
console.log(sensor.judge(FAN), sensor.fault());
console.log(sensor.judge(WORD), sensor.judge(WORD), sensor.fault());
console.log(sensor.judge(WORD), '[' + sensor.fault() + ']');
sensor.setHealth(1);
console.log(sensor.fault());
sensor.setHealth(2);
console.log(sensor.fault());
sensor.setHealth(0);
console.log('[' + sensor.fault() + ']');
console.log(sensor.judge(SQUARE), sensor.judge(WORD), sensor.judge(SQUARE), '[' + sensor.fault() + ']');

const wake = new WakeLevel({ lowest: -60, highest: -30, above: 8, stepDown: 4, calmMs: 1000 });
console.log(wake.calm(5000), wake.value(), wake.noise(-70, 5000), wake.value());
console.log(wake.noise(-50, 6000), wake.value(), wake.noise(-50, 6500), wake.value());
console.log(wake.calm(7400), wake.calm(7500), wake.value());
console.log(wake.noise(-50, 7600), wake.value(), wake.calm(8600), wake.calm(9600), wake.value());
console.log(wake.calm(10500), wake.calm(10600), wake.value());
console.log(wake.noise(-10, 11000), wake.value());
for (let at = 20000; at < 40000; at += 2000) wake.calm(at);
console.log(wake.value(), wake.noise(-50, 50000), wake.calm(51000), wake.value());
`;

describe('what may be learned from, on the official VM', () => {
  let lines: string[] = [];
  beforeAll(async () => {
    lines = await runOnVm('sensor', PROGRAM);
  });

  it('takes words for words, loud ones too, and a fan for no fault', () => {
    expect(lines[0]).toBe('word word noise []');
  });

  it('takes two windows for a fault and three words for its end', () => {
    expect(lines.slice(1, 6)).toEqual([
      'clipped []',
      'flat flat',
      'noise flat',
      'word word flat',
      'word []',
    ]);
  });

  it('believes capture at once', () => {
    expect(lines.slice(6, 9)).toEqual(['missing', 'stuck', '[]']);
  });

  it('forgives a single bad window between words', () => {
    expect(lines[9]).toBe('clipped word clipped []');
  });

  it('keeps the wake level above a noise', () => {
    expect(lines[10]).toBe('false -60 false -60');
    expect(lines[11]).toBe('true -42 false -42');
  });

  it('goes down in steps when it is calm, and waits twice as long when that was too soon', () => {
    expect(lines[12]).toBe('false true -46');
    expect(lines[13]).toBe('true -42 false true -46');
    expect(lines[14]).toBe('false true -50');
  });

  it('stays between its limits, and forgets its patience when all is calm', () => {
    expect(lines[15]).toBe('true -30');
    expect(lines[16]).toBe('-60 true true -46');
  });
});
