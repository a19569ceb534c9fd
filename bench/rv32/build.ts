/** Bare RV32IMC images of native/, built by npm's zig as for the core of the ESP32-C3. */
import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { cFiles, compileObjects, projectRoot, zig } from '../../compiler/toolchain.ts';

const RV32IMC = ['-target', 'riscv32-freestanding', '-mcpu=generic_rv32+m+c'];

/** As the firmware is built. */
const FLAGS = [
  ...['-std=c99', '-O2', '-g0', '-ffreestanding', '-fno-unroll-loops', '-fno-sanitize=all'],
  ...['-fno-asynchronous-unwind-tables', '-Wall', '-Wextra', '-Werror'],
  ...['-Inative', '-Inative/engine', '-isystem', 'native/hal/freestanding'],
];

/** Engine, features and what TypeScript needs to look inside. */
export function engineSources(): string[] {
  const rooms = ['native/engine', 'native/dsp'].flatMap(cFiles);
  return [...rooms, 'native/hal/libc.c', 'native/hal/sim/exports.c', 'native/hal/sim/training.c'];
}

/** Compiles and links an image; `output` is the ELF file. */
export async function buildRv32Image(sources: string[], output: string): Promise<void> {
  const elf = resolve(projectRoot, output);
  mkdirSync(dirname(elf), { recursive: true });
  const all = [...sources, 'bench/rv32/calls.c'];
  const objects = await compileObjects(all, [...RV32IMC, ...FLAGS], `${elf}.objects`);
  await zig([
    ...['cc', ...RV32IMC, '-nostdlib', '-nostartfiles', '-Wl,--build-id=none'],
    ...['-Wl,--no-gc-sections', '-Wl,-T,bench/rv32/link.ld', ...objects, '-o', elf],
  ]);
}
