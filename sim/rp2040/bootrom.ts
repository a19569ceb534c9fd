/** Builds the emulated chip's boot ROM from bootrom/bootrom.c. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readElf } from '../../compiler/elf.ts';
import { compileObjects, CORTEX_M0_PLUS, scratchFolder, zig } from '../../compiler/toolchain.ts';

const FOLDER = 'sim/rp2040/bootrom';
const WORDS = 4096;

/** Functions by their two letters, as the chip's ROM has them. */
const FUNCTIONS: Record<string, string> = {
  IF: 'rom_connect_internal_flash',
  EX: 'rom_flash_exit_xip',
  RE: 'rom_flash_range_erase',
  RP: 'rom_flash_range_program',
  FC: 'rom_flash_flush_cache',
  CX: 'rom_flash_enter_cmd_xip',
  UB: 'rom_reset_usb_boot',
  MC: 'rom_memcpy',
  MS: 'rom_memset',
};

let built: Promise<Uint32Array> | undefined;

/** 16 KB of ROM; compiled once a process. */
export function bootRom(): Promise<Uint32Array> {
  built ??= build();
  return built;
}

async function build(): Promise<Uint32Array> {
  const folder = scratchFolder('bootrom');
  const flags = ['-std=c99', '-Os', '-g0', '-ffreestanding', '-fno-builtin', '-Inative'];
  const sources = [`${FOLDER}/bootrom.c`];
  const objects = await compileObjects(sources, [...CORTEX_M0_PLUS, ...flags], folder);
  const file = join(folder, 'bootrom.elf');
  const link = [
    '-nostdlib',
    '-Wl,--no-gc-sections',
    `-Wl,-T,${FOLDER}/link.ld`,
    '-Wl,-e,rom_reset',
  ];
  await zig(['cc', ...CORTEX_M0_PLUS, ...link, ...objects, '-o', file]);
  const { segments, symbols } = readElf(readFileSync(file));
  const rom = new Uint8Array(4 * WORDS);
  for (const { address, bytes } of segments) rom.set(bytes, address);
  const view = new DataView(rom.buffer);
  const thumb = (name: string): number => (symbols.get(name)?.address ?? 0) | 1;
  const end = Math.max(...segments.map(({ address, size }) => address + size));
  const table = (end + 3) & ~3;
  view.setUint16(0x14, table, true);
  view.setUint16(0x18, thumb('rom_table_lookup'), true);
  Object.entries(FUNCTIONS).forEach(([letters, name], i) => {
    view.setUint8(table + 4 * i, letters.charCodeAt(0));
    view.setUint8(table + 4 * i + 1, letters.charCodeAt(1));
    view.setUint16(table + 4 * i + 2, thumb(name), true);
  });
  return new Uint32Array(rom.buffer);
}
