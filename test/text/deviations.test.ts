/**
 * Where the official VM is wrong and ours is not the same on purpose (docs/vm.md lists them): what
 * each prints. The differential suite leaves these out.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildHost } from '../../tools/native/host-vm.mjs';
import { compileSource } from '../vm/compiler.ts';
import { runHost } from '../vm/host.ts';
import { runOfficial } from '../vm/official.ts';

const EXPRESSIONS = [
  `JSON.stringify('é😀')`,
  `JSON.parse(JSON.stringify('é😀')) === 'é😀'`,
  `JSON.stringify([undefined, 1])`,
  `[9999999.5, 99.999995, 9.9999995e21]`,
] as const;

/** Console lines on the official VM and on ours, by expression. */
const printed = new Map<string, { official: string; ours: string }>();

async function runOurs(image: Uint8Array): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'retune-text-'));
  try {
    const file = join(folder, 'program.devs');
    writeFileSync(file, image);
    return (await runHost(await buildHost('plain'), file)).split('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

beforeAll(async () => {
  const lines = EXPRESSIONS.map((expression) => `console.log(${expression});\n`);
  const { image } = compileSource(`import '@devicescript/core';\n${lines.join('')}`);
  const official = (await runOfficial(image)).lines;
  const ours = await runOurs(image);
  EXPRESSIONS.forEach((expression, i) =>
    printed.set(expression, { official: official[i] ?? '', ours: ours[i] ?? '' }),
  );
});

describe('JSON.stringify', () => {
  it('keeps what is not ASCII', () => {
    expect(printed.get(EXPRESSIONS[0])).toEqual({
      official: '> "\\u00c3\\u00a9\\u00f0\\u009f\\u0098\\u0080"',
      ours: '> "é😀"',
    });
    expect(printed.get(EXPRESSIONS[1])).toEqual({ official: '> false', ours: '> true' });
  });

  it('gives JSON for undefined in an array', () => {
    expect(printed.get(EXPRESSIONS[2])).toEqual({
      official: '> [undefined,1]',
      ours: '> [null,1]',
    });
  });
});

describe('a number that rounds up to a power of ten', () => {
  it('is that power', () => {
    expect(printed.get(EXPRESSIONS[3])).toEqual({
      official: '> [:000000,:0,:e+21]',
      ours: '> [10000000,100,1e+22]',
    });
  });
});
