/** Some power cuts on the emulated board; `npm run test:power` makes more. */
import { expect, test } from 'vitest';
import { cutRp2040 } from './power-cuts.ts';

test('real resets in the middle of saves, bursts and starts lose nothing', async () => {
  const { lost, boots, saves, ...cuts } = await cutRp2040({ cuts: 4, seed: 2 });
  expect(lost).toEqual([]);
  expect(cuts).toMatchObject({ programs: 1, erases: 1, starts: 1, bursts: 1 });
  expect(boots).toBe(1 + 4 + 1);
  expect(saves).toBeGreaterThan(1);
}, 300_000);
