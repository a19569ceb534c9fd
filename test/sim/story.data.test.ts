import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runStory } from '../../sim/story.ts';
import { dataPath } from '../support/data.ts';

it('plays real speakers, with the model that never heard the new one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'retune-story-'));
  const summary = await runStory({
    headless: true,
    data: dataPath('audio/fsdd'),
    known: 'george',
    new: 'nicolas',
    plot: join(folder, 'plot.svg'),
    print: () => undefined,
  });
  rmSync(folder, { recursive: true });
  expect(summary.model).toBe('without-nicolas.tflite');
  expect(summary.delay).not.toBeNull();
  expect(summary.beforeDrift.accuracy).toBeGreaterThan(0.95);
  if (summary.outcome === 'complete') {
    expect(summary.afterAdaptation.accuracy).toBeGreaterThanOrEqual(
      summary.afterDrift.accuracy ?? 1,
    );
  }
});
