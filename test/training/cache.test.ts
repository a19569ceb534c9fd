/** The cache of frozen activations: a lora burst that goes on from the first trained layer. */
import { describe, expect, it } from 'vitest';
import { Engine } from '../../sim/engine.ts';
import type { AdapterOptions } from '../../compiler/adapter.ts';
import { modelPath, readCase, readInputs } from './cases.ts';

const LAYERS = [6, 8];
const WINDOWS = 9;

async function learner(adapter: Partial<AdapterOptions>): Promise<Engine> {
  const options: AdapterOptions = { method: 'lora', layers: LAYERS, ...adapter };
  const engine = await Engine.load(modelPath('digits'), { adapter: options });
  const { labels } = readCase('digits');
  for (const [i, input] of readInputs('digits', engine.inputBytes).slice(0, WINDOWS).entries()) {
    engine.infer(input);
    engine.training.remember(labels[i] ?? 0, i === 4 ? 'heldOut' : 'train');
  }
  return engine;
}

/** Trains in slices of `cycles`; between them the application infers whenever it may. */
function burst(engine: Engine, views: number, cycles = 1e9, disturb = false): Uint8Array {
  const { training } = engine;
  const window = new Int8Array(engine.inputBytes).fill(77);
  training.begin({ steps: 6, batch: 3, views });
  while (!training.run(cycles)) if (disturb && !training.ownsArena) engine.infer(window);
  return training.save();
}

describe('frozen activations are kept', () => {
  it('for as many windows as asked, and the adapter is the same bit by bit', async () => {
    const without = burst(await learner({}), 1);
    for (const cache of [1, 5, 60]) {
      expect(burst(await learner({ cache }), 1), `${cache} windows`).toEqual(without);
    }
  });

  it('in slices of any budget, with other inferences in between', async () => {
    const whole = burst(await learner({ cache: 5 }), 4);
    expect(burst(await learner({ cache: 5 }), 4, 1, true)).toEqual(whole);
    expect(burst(await learner({ cache: 5 }), 4, 700_000, true)).toEqual(whole);
  });

  it('as views that change over the burst', async () => {
    const [still, moving] = await Promise.all([learner({ cache: 60 }), learner({ cache: 60 })]);
    expect(burst(moving, 4)).not.toEqual(burst(still, 1));
  });

  it('so that a step of a kept window saves most of an inference', async () => {
    const steps = 4;
    const cost = async (cache: number): Promise<number> => {
      const { training } = await learner({ cache });
      training.begin({ steps, batch: 1, views: 1 });
      let cycles = 0;
      for (let done = false; !done;) {
        const { phase } = training;
        done = training.run(1);
        if (phase !== 'cache') cycles += training.runCycles;
      }
      return cycles;
    };
    const { inferenceCycles } = await learner({});
    const saved = (await cost(0)) - (await cost(60));
    expect(saved / steps / inferenceCycles).toBeGreaterThan(0.6);
    expect(saved / steps / inferenceCycles).toBeLessThan(1);
  });
});
