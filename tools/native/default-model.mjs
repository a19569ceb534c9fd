/**
 * The default model as C: what devicescript.json names, compiled by compiler/ into build/.
 */
import { execFileSync } from 'node:child_process';
import { root } from './toolchain.mjs';

const SOURCE = 'build/default/model.c';

/** Compiles the default model; returns the C file to link, relative to the root. */
export function defaultModel() {
  const args = ['--import', 'tsx', 'tools/native/compile-default.ts'];
  execFileSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  return SOURCE;
}
