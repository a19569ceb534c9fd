import { describe, expect, it } from 'vitest';
import { Random } from '../support/random.ts';
import { guarded } from './guard.ts';
import { fuzz, targets } from './run.ts';
import { Firmware } from '../../sim/firmware.ts';

/** `npm run fuzz -- --runs N` does more. */
const RUNS = 150;

describe('damaged input is accepted or refused with a RetuneError, and nothing else', () => {
  it.each(targets)('$name', async (target) => {
    const { runs, accepted, refused, findings } = await fuzz(target, RUNS, 1);
    expect(findings).toEqual([]);
    expect(accepted + refused).toBe(runs);
    // Input that is always refused at once would reach nothing behind the first check.
    expect(accepted).toBeGreaterThan(0);
  });
});

describe('the fuzzer itself', () => {
  it('reports what is no RetuneError, with the seed to make it again', async () => {
    const run = (random: Random): never => {
      throw new TypeError(`case ${random.below(10)}`);
    };
    const tally = await fuzz({ name: 'bad', run }, 2, 7);
    expect(tally.findings).toHaveLength(2);
    expect(tally.findings[0]).toMatch(/^--target bad --seed 7 --runs 1: TypeError: case \d/);
  });

  it('makes the same case from the same seed', () => {
    const draw = (): string => new Random(5).bytes(40).join();
    expect(draw()).toBe(draw());
    expect(new Random(6).bytes(40).join()).not.toBe(draw());
  });

  it('notices a byte written behind an allocation', async () => {
    const overrun = (): void => {
      const firmware = new Firmware();
      const at = firmware.allocate(10);
      firmware.u8(at, 11).fill(0);
    };
    await expect(guarded(overrun)).rejects.toThrow('wrote behind the memory');
  });
});
