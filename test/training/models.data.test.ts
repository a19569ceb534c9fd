/** Networks of other shapes: a backward pass through what each of them has. */
import { describe, expect, it } from 'vitest';
import { Engine } from '../../sim/engine.ts';
import { METHODS } from './cases.ts';
import { dataPath } from '../support/data.ts';
import { Random } from '../support/random.ts';

const MODELS = ['kws_ref_model', 'str_ww_ref_model', 'ad01_int8'] as const;

async function load(name: string, method: (typeof METHODS)[number]): Promise<Engine> {
  return Engine.load(dataPath(`models/${name}.tflite`), { adapter: { method } });
}

describe.each(MODELS)('%s', (name) => {
  it.each(METHODS)('%s: learns three labels of random inputs', async (method) => {
    const engine = await load(name, method);
    const { training } = engine;
    const random = new Random(3);
    for (let i = 0; i < 6; i++) {
      engine.infer(Int8Array.from({ length: engine.inputBytes }, () => random.int8()));
      training.remember(i % 3);
    }
    const rate = method === 'lora' ? 0.02 : 0.08;
    training.begin({ steps: 40, batch: 3, views: 1, smoothing: 0, rate });
    training.run();
    const { before, after } = training.evaluate('train');
    expect(after.loss).toBeLessThan(before.loss * 0.9);
  });
});

describe('MLPerf Tiny keyword spotting', () => {
  it('trains low-rank deltas on all pointwise layers in 64 KB', async () => {
    const engine = await load('kws_ref_model', 'lora');
    expect(engine.arenaBytes).toBeLessThanOrEqual(65_536);
    expect(engine.adapterBytes).toBeLessThanOrEqual(4096);
  });
});

describe('a residual network', () => {
  it('has no way back through ADD: the layer in the way is named', async () => {
    await expect(load('pretrainedResnet_quant', 'lora')).rejects.toThrow(
      /pretrainedResnet_quant.tflite: .*does not pass ADD .*use method "skip" or "head"/,
    );
  });
});
