import { describe, expect, it } from 'vitest';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from '../../compiler/toolchain.ts';

const COMMAND = join(projectRoot, 'bin/retune.mjs');

/** What the command says on its way out with an error. */
function failure(...args: string[]): string {
  try {
    execFileSync(process.execPath, [COMMAND, ...args], { stdio: 'pipe', cwd: projectRoot });
  } catch (error) {
    return String((error as { stderr: Buffer }).stderr);
  }
  throw new Error(`retune ${args.join(' ')} succeeded`);
}

describe('retune bench and build, asked for what is not there', () => {
  it('names the suites and targets there are', () => {
    expect(failure('bench', 'speed')).toContain(
      'kernels, training, memory, vm, store, delta, swap, all',
    );
    expect(failure('bench', 'kernels', '--target', 'pico')).toContain('rp2040, rv32, wasm, host');
  });

  it('draws no map of a firmware without an arena', () => {
    expect(failure('build', '--no-model', '--map', 'map.svg')).toContain('drop --map');
  });
});
