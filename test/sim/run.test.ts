import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileProgram } from '../../sim/compile.ts';
import { runProgram, type RunOptions } from '../../sim/run-program.ts';
import { projectRoot } from '../support/data.ts';

const GOOD = `console.log('third', 1 / 3);
console.warn('careful');
let n = 0;
const id = setInterval(async () => {
  n++;
  console.log(\`tick \${n}\`);
  if (n === 2) clearInterval(id);
}, 40_000);
await ds.sleep(100_000);
`;
const BAD = `console.log('before');
function f(x: any) {
  return x.foo.bar;
}
f(undefined);
`;

let folder: string;
const path = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retune-run-'));
  writeFileSync(path('good.ts'), `import * as ds from '@devicescript/core';\n${GOOD}`);
  writeFileSync(path('bad.ts'), `import * as ds from '@devicescript/core';\n${BAD}`);
  const forever = `while (true) await ds.sleep(1000);\n`;
  writeFileSync(path('forever.ts'), `import * as ds from '@devicescript/core';\n${forever}`);
  writeFileSync(
    path('short.ts'),
    `import * as ds from '@devicescript/core';\nawait ds.sleep(10);\nconsole.log('end');\n`,
  );
  writeFileSync(path('image.devs'), (await compileProgram(path('short.ts'))).image);
  writeFileSync(path('damaged.devs'), 'this is no image of any program at all');
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run(name: string, options: RunOptions = {}): Promise<string[]> {
  const lines: string[] = [];
  await runProgram(path(name), { ...options, print: (line) => void lines.push(line) });
  return lines;
}

describe('retune run', () => {
  const printed = ['> third 0.333333', '* careful', '> tick 1', '> tick 2'];

  it('prints the console and ends at the implicit restart; time does not wait', async () => {
    expect(await run('good.ts', { test: true })).toEqual(printed);
  });

  it('does the same on the emulated RP2040', async () => {
    expect(await run('good.ts', { test: true, target: 'rp2040' })).toEqual(printed);
  });

  it('takes compiled programs, and ends when they end', async () => {
    expect(await run('image.devs')).toEqual(['> end']);
  });

  it('is the same every time, and random numbers follow the seed', async () => {
    const source = `console.log(Math.random(), Math.random());\n`;
    writeFileSync(path('random.ts'), `import * as ds from '@devicescript/core';\n${source}`);
    const once = await run('random.ts', { test: true });
    expect(await run('random.ts', { test: true })).toEqual(once);
    expect(await run('random.ts', { test: true, seed: 2 })).not.toEqual(once);
  });

  it('fails with the panic code, after what was printed', async () => {
    const lines: string[] = [];
    const print = (line: string): void => void lines.push(line);
    await expect(runProgram(path('bad.ts'), { test: true, print })).rejects.toThrow(
      /bad\.ts: panic 60005/,
    );
    expect(lines[0]).toBe('> before');
    expect(lines).toContain('* Exception: TypeError');
  });

  it('fails when a test does not end, or there is no program', async () => {
    await expect(run('forever.ts', { test: true, timeout: 5 })).rejects.toThrow(
      /has not ended after 5 s; --timeout/,
    );
    await expect(run('damaged.devs', { test: true })).rejects.toThrow(/no program/);
    await expect(run('away.ts')).rejects.toThrow(/no such file/);
  });

  it('is a command with an exit status', async () => {
    const command = (name: string): Promise<{ status: number; out: string; err: string }> =>
      new Promise((resolve) => {
        const args = [join(projectRoot, 'bin/retune.mjs'), 'run', path(name), '--test'];
        execFile(process.execPath, args, (error, out, err) =>
          resolve({ status: Number(error?.code ?? 0), out, err }),
        );
      });
    expect(await command('good.ts')).toMatchObject({ status: 0, err: '' });
    const failed = await command('bad.ts');
    expect(failed.status).toBe(1);
    expect(failed.err).toMatch(/^retune: .*bad\.ts: panic 60005\n$/);
  });
});
