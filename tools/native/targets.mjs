/**
 * Compiles native/ for the cores of the boards and reports what it takes: sections by file, stack by
 * function. Fails on warnings, on functions that nobody provides, and on stack frames over the limit.
 */
import { existsSync, readFileSync } from 'node:fs';
import { readObject } from './elf.mjs';
import { clangInclude, compileAll, nameOf, portableSources } from './toolchain.mjs';

/** Flags of the boards' firmware. Loops stay rolled: these cores have few registers and no cache. */
const COMMON = [
  '-O2',
  '-g0',
  '-ffreestanding',
  '-fno-unroll-loops',
  '-fno-asynchronous-unwind-tables',
  '-fstack-usage',
];

export const TARGETS = {
  thumb: ['--target=thumbv6m-none-eabi', '-mcpu=cortex-m0plus', ...COMMON],
  rv32: ['--target=riscv32-none-elf', '-march=rv32imc', '-mabi=ilp32', ...COMMON],
};

/** No function of ours may take more stack than this by itself. */
const FRAME_LIMIT_BYTES = 2048;

/** Stack of every function of an object; clang writes no list for files of tables. */
function frames(object) {
  const list = object.replace(/\.o$/, '.su');
  if (!existsSync(list)) return [];
  return readFileSync(list, 'utf8')
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [place = '', bytes, kind] = line.split('\t');
      return { name: place.split(':').at(-1), bytes: Number(bytes), kind };
    });
}

function undefinedSymbols(objects) {
  const defined = new Set(objects.flatMap((o) => o.defined));
  return objects.flatMap(({ source, undefined: names }) =>
    names.filter((name) => !defined.has(name)).map((name) => ({ name, source })),
  );
}

export async function buildTarget(target) {
  const flags = [...TARGETS[target], '-nostdinc', '-isystem', await clangInclude()];
  const compiled = await compileAll(portableSources(), flags, target, 'clang');
  const objects = compiled.map(({ source, object }) => ({
    source,
    ...readObject(readFileSync(object)),
    frames: frames(object),
  }));
  print(target, objects);
  const missing = undefinedSymbols(objects);
  if (missing.length > 0) {
    // Also what clang takes from its run-time library: 64-bit products, divisions, counting zeros.
    const list = missing.map(({ name, source }) => `${name} (${nameOf(source)})`).join(', ');
    throw new Error(`${target}: library functions are called: ${list}`);
  }
  const all = objects.flatMap((o) => o.frames);
  const wide = all.filter((f) => f.bytes > FRAME_LIMIT_BYTES || f.kind !== 'static');
  if (wide.length > 0) {
    const list = wide.map((f) => `${f.name} ${f.bytes}`).join(', ');
    throw new Error(`${target}: stack frames over ${FRAME_LIMIT_BYTES} bytes: ${list}`);
  }
}

function print(target, objects) {
  const row = (name, ...numbers) =>
    console.log(name.padEnd(28) + numbers.map((n) => String(n).padStart(9)).join(''));
  row(target, '.text', '.rodata', '.data', '.bss');
  const total = [0, 0, 0, 0];
  for (const { source, text, rodata, data, bss } of objects) {
    [text, rodata, data, bss].forEach((bytes, i) => (total[i] += bytes));
    row(`  ${source.split('/').at(-2)}/${nameOf(source)}`, text, rodata, data, bss);
  }
  row('  total', ...total);
  const largest = objects.flatMap((o) => o.frames).sort((a, b) => b.bytes - a.bytes);
  const list = largest.slice(0, 6).map((f) => `${f.name} ${f.bytes}`);
  console.log(`  largest stack frames: ${list.join(', ')} bytes`);
}
