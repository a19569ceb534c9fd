import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../vm/abi.ts';

test('the tables in C are what the ABI file gives', () => {
  const generator = join(root, 'tools/generate-abi.mjs');
  expect(() => execFileSync(process.execPath, [generator, '--check'])).not.toThrow();
});
