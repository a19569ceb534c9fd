/**
 * Random work against a model, and power that goes anywhere in it, and again while it recovers. The
 * whole matrix of cuts is test/power; here is what a change of the store should be checked with.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readStore } from '../../fleet/store-image.ts';
import { OK, StoreBench } from './bench.ts';
import { found, KEYS, Model, type Step, steps, wanted } from './model.ts';

const RUNS = { numRuns: 40, seed: 5 };

/** 22 sectors: work of this size fills them and turns the log over. */
async function freshStore(): Promise<StoreBench> {
  const store = await StoreBench.create(22);
  expect(store.start()).toBe(OK);
  return store;
}

/** The same by the reader in TypeScript. */
function inImage(store: StoreBench): string {
  const records = new Map(readStore(store.region()).map(({ key, versions }) => [key, versions]));
  return KEYS.map((key) =>
    (records.get(key) ?? [])
      .map(({ payload, isDamaged }) =>
        isDamaged ? '-22' : Buffer.from(payload).toString('base64'),
      )
      .join('|'),
  ).join('\n');
}

it('does what the model does, and its image reads the same', async () => {
  await fc.assert(
    fc.asyncProperty(steps(120), async (work) => {
      const store = await freshStore();
      const model = new Model();
      for (const next of work) {
        model.take(store, next);
        if (next.kind === 'start') expect(found(store)).toBe(wanted(model));
      }
      expect(found(store)).toBe(wanted(model));
      expect(inImage(store)).toBe(wanted(model));
    }),
    RUNS,
  );
});

/** Takes steps until the power goes; returns what may be there then. */
function workUntilCut(store: StoreBench, model: Model, work: readonly Step[]): string[] {
  model.expectCut();
  for (const next of work) {
    const before = wanted(model);
    const status = model.run(store, next);
    if (status === OK) model.follow(next);
    if (!store.isDark) continue;
    const after = model.clone();
    if (status !== OK) after.follow(next);
    return [before, wanted(after)];
  }
  return [wanted(model)];
}

it('has the old or the new after a cut, twice over, and goes on from there', async () => {
  const cut = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 1 << 30 }));
  await fc.assert(
    fc.asyncProperty(steps(30), fc.array(cut, { maxLength: 4 }), steps(20), async (a, cuts, b) => {
      const store = await freshStore();
      const model = new Model();
      for (const next of a) model.take(store, next);
      let possible = [wanted(model)];
      for (const [operations, seed] of cuts) {
        // in the work at first, then in the mount
        store.cutIn(operations, seed);
        if (possible.length === 1) possible = workUntilCut(store, model, b);
        else store.call('rt_store_init');
        expect(store.start()).toBe(OK);
        const now = found(store);
        expect(possible).toContain(now);
        // once seen, it stays
        possible = [now, now];
      }
      expect(store.put(0x1001, Buffer.from('behind the cut'))).toBe(OK);
      expect(store.get(0x1001)).toEqual(Buffer.from('behind the cut'));
    }),
    RUNS,
  );
});
