import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { buildHost } from '../../tools/native/host-vm.mjs';
import { compileSource } from '../vm/compiler.ts';

const run = promisify(execFile);
const BOOTS = 12;

const folder = mkdtempSync(join(tmpdir(), 'retune-frames-'));
afterAll(() => rmSync(folder, { recursive: true }));

// A script that uses all there is of roles and servers, and frames of accidents, under sanitizers
// where there is a compiler that has them. A longer run: `build/host-vm/asan/retune-frames IMAGE
// SEED BOOTS`.
test('no frame makes the firmware touch what is not its own', async () => {
  const source = readFileSync(new URL('./programs/everything.ts', import.meta.url), 'utf8');
  const image = join(folder, 'everything.devs');
  writeFileSync(image, compileSource(source).image);
  const program = await buildHost('frames');
  for (const seed of [1, 2]) {
    const { stdout } = await run(program, [image, String(seed), String(BOOTS)]);
    const [frames, bytes] = [...stdout.matchAll(/\d+/g)].map(([number]) => Number(number));
    expect(frames).toBeGreaterThan(BOOTS * 900);
    expect(bytes).toBeGreaterThan(BOOTS * 500);
    expect(stdout).toContain(' 0 polls panicked');
  }
}, 300_000);
