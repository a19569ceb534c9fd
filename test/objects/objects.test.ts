import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { flagsOf } from '../../tools/native/musl.mjs';
import { cFiles, outputDir, root, WARNINGS, zig } from '../../tools/native/toolchain.mjs';

const run = promisify(execFile);

const FILES = ['heap', 'names', 'map', 'attached', 'array', 'buffer', 'string', 'convert']
  .concat('number', 'parse')
  .map((name) => `native/vm/${name}.c`)
  .concat(cFiles('native/libm'), cFiles('test/objects'));
const FLAGS = [...WARNINGS, '-O1', '-g', '-Inative', '-Itest/objects', '-fno-strict-aliasing'];
const SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const TRAPS = ['-fsanitize=undefined', '-fsanitize-trap=undefined'];

/** With gcc or clang under sanitizers; npm's zig, which has no AddressSanitizer, without. */
async function build(name: string, flags: string[]): Promise<string> {
  const folder = outputDir(join('objects-test', String(process.pid), name));
  const compiler = ['gcc', 'clang'].find(
    (command) => spawnSync(command, ['--version']).status === 0,
  );
  const compile = async (args: string[]): Promise<void> => {
    if (compiler === undefined) await zig(['cc', ...TRAPS, ...args]);
    else await run(compiler, [...SANITIZERS, ...args], { cwd: root });
  };
  const objects: string[] = [];
  for (const source of FILES) {
    const object = join(folder, `${objects.length}.o`);
    await compile([...FLAGS, ...flags, ...flagsOf(source), '-c', source, '-o', object]);
    objects.push(object);
  }
  const file = join(folder, 'test');
  await compile([...objects, '-o', file, '-lm']);
  return file;
}

describe('heap, names, maps, strings and numbers in memory', () => {
  it.each([
    { name: 'plain', flags: [], divisor: 1 },
    { name: 'stress', flags: ['-DRT_HEAP_STRESS'], divisor: 40 },
  ])('do as plain models of them do ($name)', async ({ name, flags, divisor }) => {
    const program = await build(name, flags);
    const { stdout } = await run(program, [String(divisor)]);
    expect(stdout).toMatch(/^\d{5,} checks, 0 failed\n$/);
  });
});
