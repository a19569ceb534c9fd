/** The firmware for QEMU's riscv32 `virt` machine, built by npm's zig as for the ESP32-C3's core. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readElf } from '../../compiler/elf.ts';
import { cFiles, compileObjects, projectRoot, zig } from '../../compiler/toolchain.ts';

const RV32IMC = ['-target', 'riscv32-freestanding', '-mcpu=generic_rv32+m+c'];

const FLAGS = [
  ...['-std=c99', '-O2', '-g0', '-ffreestanding', '-fno-unroll-loops', '-fno-sanitize=all'],
  ...['-ffunction-sections', '-fdata-sections', '-fno-asynchronous-unwind-tables'],
  ...['-Wall', '-Wextra', '-Werror', '-Inative', '-Inative/engine'],
  ...['-isystem', 'native/hal/freestanding'],
];

const ROOMS = ['vm', 'bus', 'firmware', 'store', 'libm', 'hal/rv32virt'];

export interface Rv32Firmware {
  elf: string;
  /** Bytes of code and constants. */
  code: number;
}

export async function buildRv32(flags: string[] = []): Promise<Rv32Firmware> {
  const folder = join(projectRoot, 'build/rv32virt');
  const sources = [
    ...ROOMS.flatMap((room) => cFiles(`native/${room}`)),
    ...['native/services/service.c', 'native/hal/libc.c'],
  ];
  const objects = await compileObjects(sources, [...RV32IMC, ...FLAGS, ...flags], folder);
  const elf = join(folder, 'firmware.elf');
  await zig([
    ...['cc', ...RV32IMC, '-O2', '-nostartfiles', '-Wl,--gc-sections', '-Wl,--build-id=none'],
    ...['-Wl,-T,native/hal/rv32virt/link.ld', ...objects, '-o', elf],
  ]);
  const { sections } = readElf(readFileSync(elf));
  const code = sections.filter(({ name }) => name === '.text' || name === '.rodata');
  return { elf, code: code.reduce((bytes, { size }) => bytes + size, 0) };
}
