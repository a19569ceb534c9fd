import { beforeAll, describe, expect, test } from 'vitest';
import { buildChip } from '../../bench/vm/build.ts';
import { buildHost } from '../../tools/native/host-vm.mjs';
import { goldenOf, imageOf, programNames } from '../vm/corpus.ts';
import { compileSource } from '../vm/compiler.ts';
import { generateProgram } from '../vm/generate.ts';
import { runOnChip } from './chip.ts';
import { runImage } from './run.ts';

let elf = '';
let host = '';
beforeAll(async () => {
  elf = await buildChip();
  host = await buildHost('plain');
}, 900_000);

/** Console lines only: how it ended is told in other ways. */
const consoleOf = (lines: string[]): string[] =>
  lines.map((line) => line.trimEnd()).filter((line) => !/^(= |! PANIC)/.test(line));

/** These look at random numbers or at how much memory there is. */
const OTHERWISE = ['math-random', 'oom-array'];
const sample = programNames().filter((name, i) => i % 12 === 0 && !OTHERWISE.includes(name));

describe('on the emulated RP2040, opcodes in assembler among them', () => {
  test.each(sample)('%s prints what the official VM does', (name) => {
    const expected = consoleOf((goldenOf(name) ?? '').trimEnd().split('\n'));
    expect(consoleOf(runOnChip(elf, imageOf(name)))).toEqual(expected);
  });

  test.each([1, 2, 3])('random program %i prints what it does here', (seed) => {
    const { image } = compileSource(generateProgram(900 + seed));
    expect(consoleOf(runOnChip(elf, image))).toEqual(consoleOf(runImage(host, image)));
  });
});
