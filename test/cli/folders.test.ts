import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { evaluateKeyword } from '../../sim/evaluate.ts';

const before = process.cwd();
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'retune elsewhere-'));
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

it('finds its model from any working directory, and recordings with blanks in their path', async () => {
  mkdirSync('my words');
  writeFileSync(join('my words', 'ann.s16'), new Uint8Array(2000));
  const header = 'label,take,offset_samples,length_samples';
  const rows = [0, 1, 2].map((take) => `7,${take},0,1000`);
  writeFileSync(join('my words', 'ann.csv'), [header, ...rows].join('\n'));
  const options = { method: 'head', shots: 1, seed: 1, steps: 1 } as const;
  const { results } = await evaluateKeyword({ ...options, data: 'my words' });
  expect(results).toMatchObject([{ subject: 'ann', trainClips: 1, testClips: 2 }]);
});
