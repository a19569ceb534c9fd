/** Just enough of ELF32 (little endian) to size an object file and list its symbols. */

const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;
const SHF_WRITE = 1;
const SHF_ALLOC = 2;
const SHF_EXECINSTR = 4;
const STB_LOCAL = 0;
const STB_WEAK = 2;

function sections(file) {
  const start = file.readUInt32LE(32);
  const size = file.readUInt16LE(46);
  return Array.from({ length: file.readUInt16LE(48) }, (_, i) => {
    const at = start + i * size;
    const word = (k) => file.readUInt32LE(at + 4 * k);
    return { type: word(1), flags: word(2), offset: word(4), bytes: word(5), link: word(6) };
  });
}

function kindOf({ type, flags }) {
  if (!(flags & SHF_ALLOC)) return undefined;
  if (flags & SHF_EXECINSTR) return 'text';
  if (type === SHT_NOBITS) return 'bss';
  return flags & SHF_WRITE ? 'data' : 'rodata';
}

function symbols(file, all) {
  const table = all.find((s) => s.type === SHT_SYMTAB);
  if (!table) return [];
  const names = all[table.link].offset;
  return Array.from({ length: table.bytes / 16 }, (_, i) => {
    const at = table.offset + 16 * i;
    const start = names + file.readUInt32LE(at);
    return {
      name: file.toString('latin1', start, file.indexOf(0, start)),
      binding: file[at + 12] >> 4,
      isDefined: file.readUInt16LE(at + 14) !== 0,
    };
  }).filter((s) => s.name !== '' && s.binding !== STB_LOCAL);
}

/** Bytes of text, rodata, data and bss, and names of defined and undefined global symbols. */
export function readObject(file) {
  if (file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 1) throw new Error('not an ELF32 object');
  const all = sections(file);
  const sizes = { text: 0, rodata: 0, data: 0, bss: 0 };
  for (const section of all) {
    const kind = kindOf(section);
    if (kind) sizes[kind] += section.bytes;
  }
  const global = symbols(file, all);
  return {
    ...sizes,
    defined: global.filter((s) => s.isDefined).map((s) => s.name),
    undefined: global.filter((s) => !s.isDefined && s.binding !== STB_WEAK).map((s) => s.name),
  };
}
