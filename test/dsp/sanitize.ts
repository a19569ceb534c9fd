// `npx tsx test/dsp/sanitize.ts [COMPILER]`: native/dsp on the host under the address and
// undefined-behaviour sanitizers of gcc or clang (default cc). Not part of `npm test`, which needs no
// host compiler.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../support/data.ts';

const folder = join(projectRoot, 'build', 'sanitize');
mkdirSync(folder, { recursive: true });
const program = join(folder, 'dsp');
const sources = readdirSync(join(projectRoot, 'native/dsp'))
  .filter((name) => name.endsWith('.c'))
  .map((name) => join('native/dsp', name));
const flags = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-g', '-O1'];
const warnings = ['-std=c99', '-Wall', '-Wextra', '-Werror', '-pedantic'];
execFileSync(
  process.argv[2] ?? 'cc',
  [...warnings, ...flags, '-Inative', 'test/dsp/sanitize.c', ...sources, '-o', program],
  { cwd: projectRoot, stdio: 'inherit' },
);
execFileSync(program, { stdio: 'inherit' });
