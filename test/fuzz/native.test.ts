import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectRoot } from '../support/data.ts';
import { Random } from '../support/random.ts';
import { buildFuzz } from './native/build.mjs';
import { nativeTargets } from './native/catalogue.ts';

const run = promisify(execFile);

/** Random inputs beside those that are kept: the program takes anything. */
const RANDOM_INPUTS = 20;

let program: string;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retune-inputs-'));
  program = await buildFuzz('replay');
}, 900_000);
afterAll(() => rmSync(folder, { recursive: true }));

function filesOf(path: string): string[] {
  return existsSync(path) ? readdirSync(path).map((name) => join(path, name)) : [];
}

function randomInputs(name: string): string[] {
  const random = new Random(5);
  const own = join(folder, name);
  mkdirSync(own);
  for (let i = 0; i < RANDOM_INPUTS; i++) {
    writeFileSync(join(own, `${i}`), random.bytes(random.between(1, 300)));
  }
  return filesOf(own);
}

// Under sanitizers where there is clang; `npm run fuzz:native` looks for new ones.
describe('inputs that reached something, or once went wrong, run without a finding', () => {
  it.each(nativeTargets.map(({ name }) => name))(
    '%s',
    async (name) => {
      const kept = ['corpus', 'regress'].flatMap((kind) =>
        filesOf(join(projectRoot, 'test/fuzz', kind, name)),
      );
      expect(kept.length).toBeGreaterThan(3);
      const files = [...kept, ...randomInputs(name)];
      const { stdout } = await run(program, [name, ...files], { maxBuffer: 1 << 24 });
      expect(stdout).toBe(`${name}: ${files.length} files\n`);
    },
    300_000,
  );
});

it('knows no other target', async () => {
  const answer = run(program, ['nonsense']).then(
    () => 'taken',
    (error: { code: number; stderr: string }) => `${error.code} ${error.stderr}`,
  );
  expect(await answer).toBe('2 usage: retune-replay TARGET FILE...\n');
});
