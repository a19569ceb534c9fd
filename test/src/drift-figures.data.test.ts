import { expect, it } from 'vitest';
import { listenToAll, MODELS } from '../../bench/drift/listen.ts';
import {
  measureDelays,
  measureFalseAlarms,
  median,
  SETTINGS,
  type Setting,
} from '../../bench/drift/measure.ts';
import { drawChange, type Listening } from '../../bench/drift/streams.ts';
import { dataPath } from '../support/data.ts';
import { Random } from '../support/random.ts';

/*
 * The promise of docs/library.md, on real speech and the committed models: a new speaker is noticed
 * within 25 windows in the median of 30 streams, with at most 0.05 false alarms in 1,000 windows.
 */

const setting = SETTINGS[0] as Setting;

it('notices a new speaker soon, and does not cry wolf', async () => {
  const listenings: Listening[] = await listenToAll(MODELS, dataPath('audio/fsdd'));
  const random = new Random(1);
  const streams = Array.from({ length: 30 }, () => drawChange(listenings, 300, random));
  const { delays, early } = measureDelays(setting, streams);
  expect(early).toBe(0);
  expect(delays).toHaveLength(30);
  expect(median(delays)).toBeLessThanOrEqual(25);

  const plan = { streams: 20, windows: 1050, speakers: 'known' } as const;
  const calm = measureFalseAlarms(setting, listenings, plan, new Random(2));
  // 4 models, 3 known speakers each, 1,000 windows after the warm-up; an alarm costs a warm-up more
  expect(calm.windows).toBeGreaterThan(238_000);
  expect((1000 * calm.alarms) / calm.windows).toBeLessThanOrEqual(0.05);
});
