import { expect, it } from 'vitest';
import { loadRecordings } from '../../sim/recordings.ts';
import { dataPath } from '../support/data.ts';

it('reads every clip of fsdd', () => {
  const clips = loadRecordings(dataPath('audio/fsdd'), 8000);
  expect(clips.length).toBe(2000);
  expect([...new Set(clips.map((clip) => clip.speaker))]).toEqual([
    'george',
    'jackson',
    'nicolas',
    'theo',
  ]);
  expect(clips[0]?.pcm.length).toBe(2384);
  expect(clips.every((clip) => clip.pcm.length > 0)).toBe(true);
});
