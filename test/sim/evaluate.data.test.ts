import { describe, expect, it } from 'vitest';
import { RetuneError } from '../../cli/error.ts';
import { evaluateKeyword, type EvaluationOptions } from '../../sim/evaluate.ts';
import { dataPath } from '../support/data.ts';

const options = (changes: Partial<EvaluationOptions> = {}): EvaluationOptions => ({
  data: dataPath('audio/fsdd'),
  model: 'models/digits/without-{subject}.tflite',
  method: 'skip',
  shots: 5,
  seed: 1,
  speakers: ['nicolas'],
  ...changes,
});

describe('evaluateKeyword', () => {
  it('adapts the model to a speaker that it never heard', async () => {
    const { results, adapterBytes, mean } = await evaluateKeyword(options());
    const [result] = results;
    expect(result).toMatchObject({ subject: 'nicolas', trainClips: 50, testClips: 400 });
    expect(result?.after).toBeGreaterThan((result?.before ?? 1) + 0.05);
    expect(mean.after).toBe(result?.after);
    expect(adapterBytes).toBeLessThanOrEqual(4096);
  });

  it('gives the same figures for the same seed', async () => {
    const quick = options({ method: 'head', steps: 40, shots: 2 });
    expect(await evaluateKeyword(quick)).toEqual(await evaluateKeyword(quick));
  });

  it('makes room for more takes than a board keeps by default', async () => {
    const many = options({ method: 'head', steps: 20, shots: 8 });
    const { results, windowBytes } = await evaluateKeyword(many);
    expect(results[0]?.trainClips).toBe(80);
    const usual = await evaluateKeyword({ ...many, shots: 2 });
    expect(windowBytes / usual.windowBytes).toBeCloseTo(80 / 60, 5);
  });

  it('names a speaker who is not there, and a model that is not', async () => {
    await expect(evaluateKeyword(options({ speakers: ['nobody'] }))).rejects.toThrow(
      /no speaker 'nobody'; choose from george, jackson/,
    );
    const missing = evaluateKeyword(options({ model: 'models/digits/with-{subject}.tflite' }));
    await expect(missing).rejects.toThrow(RetuneError);
    await expect(missing).rejects.toThrow(/with-nicolas\.tflite: no such file/);
  });
});
