import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../sim/clock.ts';

describe('virtual time', () => {
  it('runs timers in order of time, then of creation', () => {
    const clock = new VirtualClock();
    const group = clock.group();
    const seen: string[] = [];
    const note = (name: string) => (): void => void seen.push(`${name}@${clock.now}`);
    group.setTimeout(note('late'), 30);
    group.setTimeout(note('first'), 10);
    group.setTimeout(note('second'), 10);
    expect(clock.next).toBe(10);
    clock.advance(20);
    expect(seen).toEqual(['first@10', 'second@10']);
    expect(clock.now).toBe(20);
    clock.advance(30);
    expect(seen.at(-1)).toBe('late@30');
    expect(clock.next).toBe(Infinity);
  });

  it('repeats intervals without drifting, until they are cleared, even from within', () => {
    const clock = new VirtualClock();
    const group = clock.group();
    const times: number[] = [];
    const handle = group.setInterval(() => {
      times.push(clock.now);
      if (times.length === 3) group.clearInterval(handle);
    }, 7);
    clock.advance(100);
    expect(times).toEqual([7, 14, 21]);
  });

  it('runs what a timer starts for the same instant', () => {
    const clock = new VirtualClock();
    const group = clock.group();
    const seen: number[] = [];
    group.setTimeout(() => group.setTimeout(() => seen.push(clock.now), 0), 5);
    clock.advance(5);
    expect(seen).toEqual([5]);
  });

  it('cancels a group and nothing else', () => {
    const clock = new VirtualClock();
    const [gone, kept] = [clock.group(), clock.group()];
    const seen: string[] = [];
    gone.setTimeout(() => seen.push('gone'), 1);
    gone.setInterval(() => seen.push('gone'), 1);
    kept.setTimeout((word) => seen.push(String(word)), 2, 'kept');
    gone.clear();
    clock.advance(10);
    expect(seen).toEqual(['kept']);
  });
});
