import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildHost } from '../../tools/native/host-vm.mjs';
import { root } from './abi.ts';
import { compileSource } from './compiler.ts';
import { deviations, PREAMBLE } from './deviations.ts';
import { runHost } from './host.ts';
import { runOfficial } from './official.ts';

describe('where the official VM is not followed', () => {
  let official: string[] = [];
  let ours: string[] = [];

  beforeAll(async () => {
    const lines = deviations.map(({ expression }) => `console.log(${expression});\n`);
    const { image } = compileSource(PREAMBLE + lines.join(''));
    const folder = join(root, 'build', 'vm-programs');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'deviations.devs');
    writeFileSync(file, image);
    official = (await runOfficial(image)).lines;
    ours = (await runHost(await buildHost('plain'), file)).split('\n');
  }, 900_000);

  test.each(deviations.map((deviation, i) => ({ ...deviation, i })))(
    '$expression',
    ({ official: theirs, ours: own, i }) => {
      expect(official[i]).toBe(theirs);
      expect(ours[i]).toBe(own);
    },
  );
});
