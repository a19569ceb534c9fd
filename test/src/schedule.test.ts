import { beforeAll, describe, expect, it } from 'vitest';
import { runOnVm } from './vm.ts';

const PROGRAM = `
import { Schedule } from 'lib/schedule';

const quiet = new Schedule({ wakeLevel: -45, holdMs: 3000, idleMs: 500 });
console.log(quiet.next(-20, 1000, 1), quiet.next(-60, 1000, 1), quiet.next(-60, 1000, 1), quiet.next(-60, 1000, 1), quiet.next(-60, 1000, 1));
quiet.woken();
console.log(quiet.next(-60, 1000, 1), quiet.next(-44.9, 1000, 1), quiet.next(-60, 2999, 1), quiet.next(-60, 1, 1));

const low = new Schedule({ low: 0.3, critical: 0.1, longestMs: 20500, idleMs: 500, holdMs: 0 });
const charges = [1, 0.3, 0.25, 0.2, 0.1, 0.02];
for (const charge of charges) console.log(charge, low.idleAt(charge), low.next(-90, 1000, charge), low.mayTrain(charge));

const loud = new Schedule({ critical: 0.1, low: 0.3, longestMs: 20500, idleMs: 500 });
console.log(loud.next(-10, 1000, 0.11), loud.next(-10, 1000, 0.1));

const share = new Schedule({ duty: 0.25, holdMs: 2000, idleMs: 500 });
let awake = 0;
let asleep = 0;
for (let i = 0; i < 200; i++) {
  awake += 1000;
  asleep += share.next(i % 7 < 3 ? -20 : -70, 1000, 1);
}
console.log(awake, asleep);
`;

describe('sleep schedule on the official VM', () => {
  let lines: string[] = [];
  beforeAll(async () => {
    lines = await runOnVm('schedule', PROGRAM);
  });

  it('stays awake after a sound for the hold time, then sleeps', () => {
    expect(lines[0]).toBe('0 0 0 500 500');
  });

  it('stays awake again after a wake-up or a sound above the level', () => {
    expect(lines[1]).toBe('0 0 0 500');
  });

  it('sleeps longer as the battery runs low, in a straight line', () => {
    expect(lines.slice(2, 8)).toEqual([
      '1 500 500 true',
      '0.3 500 500 true',
      '0.25 5500 5500 false',
      '0.2 10500 10500 false',
      '0.1 20500 20500 false',
      '0.02 20500 20500 false',
    ]);
  });

  it('sleeps through noise only when the battery is nearly empty', () => {
    expect(lines[8]).toBe('0 20500');
  });

  it('keeps to the share of time awake', () => {
    const [awake, asleep] = (lines[9] as string).split(' ').map(Number) as [number, number];
    expect(awake).toBe(200_000);
    // What the last noisy seconds owe is slept off after the end of the loop: up to 7 s awake.
    expect(awake / (awake + asleep)).toBeGreaterThan(0.23);
    expect((awake - 7000) / (awake - 7000 + asleep)).toBeLessThanOrEqual(0.25);
  });
});
