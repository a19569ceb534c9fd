import { beforeAll, describe, expect, it } from 'vitest';
import { runOnVm } from './vm.ts';

/** Runs one burst a scenario: scores that the slices would reach, and the cost of a step in mJ. */
const PROGRAM = `
import { runBurst, Burst, scoreOf } from 'lib/burst';

async function scenario(options: any, scores: number[], costs: number[]) {
  let slice = 0;
  let now = scores[0];
  let last = now;
  let rolledBack = 0;
  const slices: number[] = [];
  const burst = await runBurst(options, {
    check: async () => now,
    train: async (steps: number) => {
      await ds.sleep(1);
      slice++;
      last = now;
      now = scores[slice];
      slices.push(steps);
      return steps * costs[slice - 1];
    },
    rollBack: async () => {
      now = last;
      rolledBack++;
    },
  });
  console.log(slices.join(','), burst.end(), burst.stepsDone(), burst.millijoulesSpent(), now, burst.gain(), rolledBack);
}

await scenario({ steps: 250, slice: 100, millijoules: 1000 }, [5, 6, 7, 8], [1, 1, 1]);
await scenario({ steps: 900, slice: 100, patience: 2 }, [5, 8, 7, 8, 99], [1, 1, 1, 1]);
await scenario({ steps: 900, slice: 100, patience: 2 }, [5, 4, 6, 3, 5, 99], [1, 1, 1, 1, 1]);
await scenario({ steps: 900, slice: 100, patience: 1 }, [5, 4, 99], [1, 1]);
await scenario({ steps: 900, slice: 100, patience: 9, minGain: 1 }, [5, 6, 6.5, 1, 1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0, 0, 0, 0]);
await scenario({ steps: 900, slice: 100, millijoules: 250 }, [5, 6, 7, 8, 9], [1, 1, 1, 1]);
await scenario({ steps: 900, slice: 100, millijoules: 400 }, [5, 6, 7, 8, 9], [0.5, 2, 1, 1]);
const idle = new Burst({}, 1);
console.log(idle.next(), idle.gain(), scoreOf(3, 0.25), scoreOf(2, 0) < scoreOf(3, 9));
`;

describe('burst control on the official VM', () => {
  let lines: string[] = [];
  beforeAll(async () => {
    lines = await runOnVm('burst', PROGRAM);
  });

  it.each([
    ['spends its steps, the rest in a short slice', 0, '100,100,50 steps 250 250 8 3 0'],
    ['stops when patience ends and keeps the best slice', 1, '100,100,100 patience 300 300 8 3 2'],
    ['goes on after one bad slice', 2, '100,100,100,100 patience 400 400 6 1 3'],
    ['ends where it began when training only hurt', 3, '100 patience 100 100 5 0 1'],
    ['asks for the least gain', 4, `${Array(9).fill(100).join(',')} steps 900 0 6.5 1.5 8`],
    ['begins no slice that its energy would not last for', 5, '100,100 energy 200 200 7 2 0'],
    ['plans with the dearest slice so far', 6, '100,100 energy 200 250 7 2 0'],
    ['starts with one slice, and counts windows before loss', 7, '200 0 3.8 true'],
  ])('%s', (_, line, expected) => {
    expect(lines[line]).toBe(expected);
  });
});
