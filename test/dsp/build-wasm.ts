// Builds native/dsp alone as WebAssembly with flags of one's own, for the test that looks for
// undefined behaviour. All other tests use sim/firmware.wasm. Needs zig, which npm installs.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NAMES } from './wasm.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const folder = join(root, 'native', 'dsp');

const EXPORTS = NAMES.map((name) => `rt_dsp_${name}`);

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
