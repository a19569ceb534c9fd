/** The check before an adapter is kept, with real speech. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Engine } from '../../sim/engine.ts';
import { keeps, personalise, type LabelledClip } from '../../sim/personalise.ts';
import { loadRecordings } from '../../sim/recordings.ts';
import { splitTakes } from '../../sim/split.ts';
import { dataPath } from '../support/data.ts';

const MODEL = fileURLToPath(new URL('../golden/training/digits.tflite', import.meta.url));
const SPEAKER = 'nicolas';

async function subject(): Promise<{
  engine: Engine;
  train: LabelledClip[];
  accuracy: () => number;
}> {
  const engine = await Engine.load(new Uint8Array(readFileSync(MODEL)), {
    file: MODEL,
    adapter: { method: 'skip' },
  });
  const clips = loadRecordings(dataPath('audio/fsdd'), 8000).filter(
    (clip) => clip.speaker === SPEAKER,
  );
  const { train, test } = splitTakes(clips, [...engine.labels], 5);
  const labelled = train.map(({ pcm, label }) => ({ pcm, label: engine.labels.indexOf(label) }));
  const inputs = test
    .filter((_, i) => i % 3 === 0)
    .map((clip) => ({
      input: engine.features(clip.pcm),
      label: engine.labels.indexOf(clip.label),
    }));
  const accuracy = (): number =>
    inputs.filter(({ input, label }) => engine.infer(input).class === label).length / inputs.length;
  return { engine, train: labelled, accuracy };
}

describe('personalise', () => {
  it('a new speaker is understood better afterwards', async () => {
    const { engine, train, accuracy } = await subject();
    const before = accuracy();
    const { refused, check, steps } = personalise(engine, train, { seed: 1 });
    expect(refused).toBe(false);
    expect(check?.total).toBe(10);
    expect(steps).toBe(2 * engine.training.defaults.steps);
    expect(accuracy()).toBeGreaterThan(before + 0.05);
    expect(engine.training.count('train')).toBe(train.length);
  });

  it('takes with wrong labels: the check refuses, and the adapter is the one from before', async () => {
    const { engine, train } = await subject();
    const before = engine.training.save();
    const lastTake = new Map(train.map((clip, index) => [clip.label, index]));
    const wrong = train.map((clip, index) => {
      const last = lastTake.get(clip.label) === index;
      return last ? clip : { ...clip, label: (clip.label + 1) % 10 };
    });
    // Sorted so that the true takes stay the last of their label.
    const sorted = [
      ...wrong.filter((clip) => !train.includes(clip)),
      ...wrong.filter((clip) => train.includes(clip)),
    ];
    const { refused } = personalise(engine, sorted, { seed: 1, steps: 100 });
    expect(refused).toBe(true);
    expect(engine.training.save()).toEqual(before);
  });

  it('the check asks that no word fewer is right, whatever the loss', () => {
    const check = (before: number, after: number, loss: number): boolean =>
      keeps({ total: 10, before: { correct: before, loss: 1 }, after: { correct: after, loss } });
    expect(check(8, 9, 2)).toBe(true);
    expect(check(8, 7, 0.1)).toBe(false);
    expect(check(10, 10, 0.5)).toBe(true);
    expect(check(10, 10, 1.5)).toBe(true);
  });
});
