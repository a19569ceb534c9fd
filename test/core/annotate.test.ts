import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildHost } from '../../tools/native/host-vm.mjs';
import { root } from '../vm/abi.ts';
import { runImage } from './run.ts';

const SOURCE = `import * as ds from '@devicescript/core'
function inner(n: number) {
    if (n > 0) throw new RangeError("bad")
    return n
}
function outer(n: number) {
    return inner(n) + 1
}
outer(3)
`;

test('devs annotate finds the lines of a trace', { timeout: 900_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'retune-annotate-'));
  const devs = (args: string[], input = ''): string =>
    execFileSync(
      process.execPath,
      [join(root, 'node_modules/@devicescript/cli/devicescript'), ...args],
      {
        cwd: folder,
        input,
        encoding: 'utf8',
      },
    );
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'devsconfig.json'), '{}');
    writeFileSync(join(folder, 'main.ts'), SOURCE);
    devs(['build', 'main.ts']);
    const image = new Uint8Array(readFileSync(join(folder, '.devicescript/bin/bytecode.devs')));
    const lines = runImage(await buildHost('plain'), image);
    expect(lines.at(-1)).toBe('= panic 60005');
    const annotated = devs(['annotate'], lines.join('\n'));
    expect(annotated).toContain('(main.ts:3:16)');
    expect(annotated).toContain('(main.ts:7:5)');
    expect(annotated).toContain('(main.ts:9:1)');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
