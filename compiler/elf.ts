/** Just enough of ELF32 (little endian) to load an image and find its symbols. */

export interface Segment {
  address: number;
  /** Where its bytes lie before the start-up code copies them. */
  loadAddress: number;
  /** Offset of the bytes in the file. */
  fileOffset: number;
  bytes: Uint8Array;
  /** Size in memory; what exceeds bytes is zero. */
  size: number;
}

export interface Section {
  name: string;
  address: number;
  size: number;
}

export interface Elf {
  segments: Segment[];
  sections: Section[];
  /** Functions and objects by name; addresses of functions without the Thumb bit. */
  symbols: Map<string, { address: number; size: number; isFunction: boolean }>;
}

const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const STT_FUNC = 2;

export function readElf(file: Uint8Array): Elf {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const u16 = (at: number): number => view.getUint16(at, true);
  const u32 = (at: number): number => view.getUint32(at, true);
  if (u32(0) !== 0x464c457f || file[4] !== 1) throw new Error('not an ELF32 file');
  const text = (at: number): string =>
    Buffer.from(file.subarray(at, file.indexOf(0, at))).toString('latin1');

  const segments: Segment[] = [];
  for (let i = 0; i < u16(44); i++) {
    const at = u32(28) + i * u16(42);
    if (u32(at) !== PT_LOAD) continue;
    const offset = u32(at + 4);
    segments.push({
      address: u32(at + 8),
      loadAddress: u32(at + 12),
      fileOffset: offset,
      bytes: file.slice(offset, offset + u32(at + 16)),
      size: u32(at + 20),
    });
  }

  const symbols: Elf['symbols'] = new Map();
  const sections: Section[] = [];
  const section = (i: number): number => u32(32) + i * u16(46);
  const sectionNames = u32(section(u16(50)) + 16);
  for (let i = 0; i < u16(48); i++) {
    const table = section(i);
    sections.push({
      name: text(sectionNames + u32(table)),
      address: u32(table + 12),
      size: u32(table + 20),
    });
    if (u32(table + 4) !== SHT_SYMTAB) continue;
    const names = u32(section(u32(table + 24)) + 16);
    for (let at = u32(table + 16); at < u32(table + 16) + u32(table + 20); at += 16) {
      const name = text(names + u32(at));
      const isFunction = (file[at + 12]! & 15) === STT_FUNC;
      if (name === '' || name.startsWith('$')) continue;
      const address = u32(at + 4);
      symbols.set(name, {
        address: isFunction ? address - (address & 1) : address,
        size: u32(at + 8),
        isFunction,
      });
    }
  }
  return { segments, sections, symbols };
}
