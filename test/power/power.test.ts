/** A small form of `npm run test:power`: cuts, ageing, and whether the harness finds faults. */
import { beforeAll, describe, expect, test } from 'vitest';
import { buildHarness, runHarness, type Run } from './build.ts';
import { figures, firstCuts, lost, ofPart, OUTCOMES } from './figures.ts';
import { MUTANTS, tryMutant } from './mutants.ts';

const SEED = 1;
/** Those that the issue names; all of them run in `npm run test:power`. */
const FIRST_MUTANTS = MUTANTS.slice(0, 3);

let program: string;
beforeAll(async () => {
  program = await buildHarness();
}, 180_000);

const run = (script: string, ...args: string[]): Promise<Run> =>
  runHarness(program, ['--seed', String(SEED), '--script', script, ...args]);

describe.each(['adapters', 'versions', 'full'])('script %s', (script) => {
  test('nothing is lost, wherever the power goes away', async () => {
    const { parts, failures, status } = await run(
      script,
      ...['--repeats', '1', '--second-stride', '60'],
    );
    expect(failures).toEqual([]);
    const [cuts] = ofPart(figures(parts), 'cuts');
    if (cuts === undefined) throw new Error('there are no figures');
    // Every operation, in every way that an operation of its kind can end.
    for (const kind of ['erase', 'program'] as const) {
      const counts = OUTCOMES.map((name) => cuts[kind][name]).filter((count) => count > 0);
      expect(counts.length).toBe(kind === 'erase' ? OUTCOMES.length : OUTCOMES.length - 2);
      expect(new Set(counts).size).toBe(1);
    }
    expect(firstCuts(cuts)).toBeGreaterThan(8 * cuts.cutPoints);
    expect(cuts.second).toBeGreaterThan(300);
    expect(cuts.third).toBeGreaterThan(300);
    expect(cuts.mounts).toBeGreaterThan(3 * firstCuts(cuts));
    expect(cuts.lost).toBe(0);
    expect(status).toBe(0);
  });
});

test('flipped bits and broken sectors are noticed, and wear is spread', async () => {
  const args = ['--no-cuts', '--flips', '400', '--stuck', '60', '--wear', '3000'];
  const { parts, failures, status } = await run('versions', ...args);
  expect(failures).toEqual([]);
  const all = figures(parts);
  const [flips] = ofPart(all, 'flips');
  const [stuck] = ofPart(all, 'stuck');
  const [wear] = ofPart(all, 'wear');
  expect(flips).toMatchObject({ tried: 400, wrong: 0, unwritable: 0 });
  expect(flips?.fellBack).toBeGreaterThan(5);
  expect(stuck).toMatchObject({ tried: 60, lost: 0 });
  expect(stuck?.wentOn).toBeGreaterThan(30);
  expect(wear).toMatchObject({ saves: 3000, lost: 0 });
  expect((wear?.mostErases ?? NaN) - (wear?.leastErases ?? NaN)).toBeLessThan(20);
  expect(lost(all)).toBe(0);
  expect(status).toBe(0);
});

test('the faults are those asked for', () => {
  expect(FIRST_MUTANTS.map(({ name }) => name)).toEqual([
    'no commit marker',
    'no crc',
    'erases first',
  ]);
});

test.each(FIRST_MUTANTS)(
  'a store with a fault is found out: $fault',
  async (mutant) => {
    const { sign } = await tryMutant(mutant, SEED);
    expect(sign).toMatch(/; script \w+, seed 1/);
  },
  180_000,
);
