/** Some power cuts on the emulated board; `npm run test:power` makes more. */
import { expect, test } from 'vitest';
import { cutRp2040 } from './power-cuts.ts';

test('real resets in the middle of saves, bursts and starts lose nothing', async () => {
  const { lost, boots, saves, ...cuts } = await cutRp2040({ cuts: 8, seed: 2 });
  expect(lost).toEqual([]);
  expect(cuts).toMatchObject({ programs: 2, erases: 2, starts: 2 });
  expect(cuts.bursts).toBeGreaterThan(0);
  expect(boots).toBe(1 + 8 + 2);
  expect(saves).toBeGreaterThan(4);
}, 180_000);
