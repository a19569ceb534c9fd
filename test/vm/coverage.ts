import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readAbi, readNatives, root } from './abi.ts';
import { imageFileOf, programNames } from './corpus.ts';
import { runHost } from './host.ts';

/** What the programs of the suite make our VM do. */
export interface Coverage {
  /** Names of opcodes of the ABI that no program executes. */
  opcodes: string[];
  /** Natives that no program calls, by their C function without `rt_native_`. */
  natives: string[];
}

/** Opcodes 128 and up are the constants -16 to 111. */
const DIRECT = 128;

/** Runs all programs on a build that counts (variant `trace`). */
export async function measureCoverage(program: string): Promise<Coverage> {
  const opcodes = new Set<number>();
  const natives = new Set<number>();
  for (const name of programNames()) {
    const file = join(root, 'build', `coverage-${process.pid}.txt`);
    await runHost(program, imageFileOf(name), ['--coverage', file]);
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const [kind, index] = line.split(' ');
      if (kind === 'opcode') opcodes.add(Math.min(Number(index), DIRECT));
      if (kind === 'native') natives.add(Number(index));
    }
    rmSync(file);
  }
  const abi = readAbi();
  return {
    opcodes: abi.ops.filter((op) => !opcodes.has(op.code)).map((op) => op.name),
    natives: readNatives().filter((_, index) => !natives.has(index)),
  };
}
