/**
 * Where the official VM is wrong and ours is not the same on purpose (docs/vm.md lists them): what
 * each prints. The differential suite leaves these out.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileSource } from '../vm/compiler.ts';
import { runHost } from '../vm/host.ts';
import { runOfficial } from '../vm/official.ts';
import { buildHost } from '../../tools/native/host-vm.mjs';

let host: string;

beforeAll(async () => {
  host = await buildHost('plain');
});

/** Console lines of an expression on the official VM and on ours. */
async function printed(expression: string): Promise<{ official: string; ours: string }> {
  const { image } = compileSource(`import '@devicescript/core';\nconsole.log(${expression});\n`);
  const { lines } = await runOfficial(image);
  const folder = mkdtempSync(join(tmpdir(), 'retune-text-'));
  try {
    const file = join(folder, 'program.devs');
    writeFileSync(file, image);
    const ours = await runHost(host, file);
    return { official: lines[0] ?? '', ours: ours.split('\n')[0] ?? '' };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('JSON.stringify', () => {
  it('keeps what is not ASCII', async () => {
    expect(await printed(`JSON.stringify('é😀')`)).toEqual({
      official: '> "\\u00c3\\u00a9\\u00f0\\u009f\\u0098\\u0080"',
      ours: '> "é😀"',
    });
    expect(await printed(`JSON.parse(JSON.stringify('é😀')) === 'é😀'`)).toEqual({
      official: '> false',
      ours: '> true',
    });
  });

  it('gives JSON for undefined in an array', async () => {
    expect(await printed('JSON.stringify([undefined, 1])')).toEqual({
      official: '> [undefined,1]',
      ours: '> [null,1]',
    });
  });
});

describe('a number that rounds up to a power of ten', () => {
  it('is that power', async () => {
    expect(await printed('[9999999.5, 99.999995, 9.9999995e21]')).toEqual({
      official: '> [:000000,:0,:e+21]',
      ours: '> [10000000,100,1e+22]',
    });
  });
});
