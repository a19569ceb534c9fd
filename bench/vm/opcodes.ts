/** How many opcodes a program runs: counted by the firmware built for this computer. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildHost } from '../../tools/native/host-vm.mjs';

let runner: string | undefined;

export async function opcodesOf(image: Uint8Array): Promise<number> {
  runner ??= await buildHost('trace');
  const folder = mkdtempSync(join(tmpdir(), 'retune-opcodes-'));
  try {
    const [program, counts] = ['program.devs', 'counts'].map((name) => join(folder, name));
    if (program === undefined || counts === undefined) throw new Error('no folder');
    writeFileSync(program, image);
    execFileSync(runner, ['--coverage', counts, program], { stdio: 'ignore' });
    return readFileSync(counts, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('opcode '))
      .reduce((sum, line) => sum + Number(line.split(' ')[2]), 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
