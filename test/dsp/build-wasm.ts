// Builds native/dsp alone as WebAssembly: `npx tsx test/dsp/build-wasm.ts [FILE]`, by default
// test/golden/dsp/dsp.wasm, which the tests load. Needs zig (npm). The file says from which sources
// it was built; a test compares that with the sources as they are.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const folder = join(root, 'native', 'dsp');

export const EXPORTS = [
  'profile',
  'state_bytes',
  'memory_bytes',
  'init',
  'feed',
  'run',
  'push',
  'discard',
  'window',
  'coefficients',
  'clip',
  'level',
  'overrun_samples',
].map((name) => `rt_dsp_${name}`);

/** SHA-256 over all C sources of native/dsp, with their names. */
export function sourceHash(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) {
    if (!/\.[ch]$/.test(name)) continue;
    hash.update(`${name}\n`);
    hash.update(readFileSync(join(folder, name)));
  }
  return hash.digest('hex');
}

/** @param flags more compiler flags */
export function buildWasm(file: string, flags: string[] = []): void {
  const sources = readdirSync(folder).filter((name) => name.endsWith('.c'));
  execFileSync(
    join(root, 'node_modules', '.bin', 'zig'),
    [
      'build-lib',
      ...['-target', 'wasm32-freestanding', '-dynamic', '-rdynamic', '-fstrip'],
      ...['-O', 'ReleaseFast', `-femit-bin=${file}`],
      ...EXPORTS.map((name) => `--export=${name}`),
      ...['-cflags', '-std=c99', '-Wall', '-Wextra', '-Werror', ...flags, '--'],
      ...sources.sort().map((name) => join('native', 'dsp', name)),
    ],
    { cwd: root, stdio: 'inherit' },
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const golden = join(root, 'test', 'golden', 'dsp');
  buildWasm(process.argv[2] ?? join(golden, 'dsp.wasm'));
  if (!process.argv[2]) writeFileSync(join(golden, 'dsp.wasm.sha256'), `${sourceHash()}\n`);
}
