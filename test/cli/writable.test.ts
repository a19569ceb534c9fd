import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildProject } from '../../compiler/build.ts';
import { runStory } from '../../sim/story.ts';
import { checkWritable, ensureFolder, writeResult } from '../../cli/writable.ts';
import { projectRoot } from '../support/data.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'retune-writable-'));
  file = join(folder, 'file');
  writeFileSync(file, 'kept');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('makes the folders of a file but not the file, and changes none', () => {
  checkWritable(join(folder, 'a', 'b', 'plot.svg'), 'none');
  expect(existsSync(join(folder, 'a', 'b'))).toBe(true);
  expect(existsSync(join(folder, 'a', 'b', 'plot.svg'))).toBe(false);
  checkWritable(file, 'none');
  expect(readFileSync(file, 'utf8')).toBe('kept');
});

it('names what cannot be written and what to do', () => {
  expect(() => ensureFolder(join(file, 'sub'), 'move it')).toThrow(
    /^.*file.sub: cannot be written \(ENOTDIR\); move it$/,
  );
  expect(() => checkWritable(folder, 'name a file')).toThrow(/cannot be written.*name a file$/);
});

it('writes a result into a new folder, or says why it cannot', () => {
  const result = join(folder, 'a', 'result');
  writeResult(result, 'done', 'none');
  expect(readFileSync(result, 'utf8')).toBe('done');
  expect(() => writeResult(join(file, 'result'), 'done', 'move it')).toThrow(/cannot be written/);
  expect(() => writeResult(folder, 'done', 'move it')).toThrow(/cannot be written.*move it$/);
});

it('a build refuses a place that is no folder', () => {
  const manifest = join(projectRoot, 'devicescript.json');
  expect(() => buildProject(manifest, { outDir: file })).toThrow(/cannot be written.*--out$/);
});

it('a story refuses the place of its plot before it begins', async () => {
  await expect(runStory({ plot: join(file, 'story.svg') })).rejects.toThrow(
    /cannot be written.*--plot/,
  );
});
