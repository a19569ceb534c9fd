/** `retune build --board`: links a board's firmware and says where its flash and RAM go. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { RetuneError } from '../cli/error.ts';
import type { Board } from './board.ts';
import type { CompiledModel } from './compile.ts';
import { crc32Mpeg2 } from './crc.ts';
import { readElf } from './elf.ts';
import { firmwareReport, type FirmwareReport } from './firmware-report.ts';
import {
  type BuiltInTrust,
  boardSource,
  linkScript,
  modelSource,
  modulesSource,
  programSource,
  trustSource,
} from './firmware-sources.ts';
import {
  cFiles,
  compileObjects,
  compilerRuntime,
  CORTEX_M0_PLUS,
  projectRoot,
  scratchFolder,
  zig,
} from './toolchain.ts';
import { flagsOf } from '../tools/native/musl.mjs';
import { ED25519 } from '../tools/native/zig-object.mjs';
import { uf2 } from './uf2.ts';

export const FLASH_ADDRESS = 0x10000000;
const BOOT2_BYTES = 252;

export interface FirmwareOptions {
  board: Board;
  /** Names in native/services. */
  modules: string[];
  /** Without: a firmware that learns nothing. */
  model?: CompiledModel;
  /** Bytecode that the firmware brings along. */
  program?: Uint8Array;
  /** The owner's public key (32 bytes), built in; docs/security.md. */
  trust?: BuiltInTrust;
  /** Where the results go; default build/BOARD. */
  outDir?: string;
  /** More flags for the C compiler, for tests. */
  flags?: string[];
  /** C files instead of those of the rooms, for tests of the HAL alone. */
  sources?: string[];
}

export interface Firmware {
  elf: string;
  uf2: string;
  map: string;
  /** Contents of the flash from its start. */
  image: Uint8Array;
  symbols: ReturnType<typeof readElf>['symbols'];
  report: FirmwareReport;
}

const ROOMS = ['vm', 'bus', 'services', 'firmware', 'engine', 'dsp', 'store', 'libm', 'hal/rp2040'];

export const FIRMWARE_FLAGS = [
  ...['-std=c99', '-O2', '-g0', '-ffreestanding', '-fno-unroll-loops', '-fno-sanitize=all'],
  ...['-ffunction-sections', '-fdata-sections', '-fno-asynchronous-unwind-tables'],
  ...['-Wall', '-Wextra', '-Inative', '-Inative/engine', '-isystem', 'native/hal/freestanding'],
];

/** Modules that a board has because of what is soldered to it. */
export function boardModules(board: Board): string[] {
  const names = [];
  if (board.button !== undefined) names.push('button');
  if (board.led !== undefined) names.push('light_bulb');
  return [...names, 'power'];
}

/** The C files of every firmware for an RP2040. */
function roomSources(): string[] {
  const rooms = ROOMS.flatMap((room) => cFiles(`native/${room}`));
  return [...rooms, ED25519, 'native/hal/libc.c'];
}

/** Compiles and links. Throws RetuneError for what the maker can mend, Error for our own defects. */
export async function buildFirmware(options: FirmwareOptions): Promise<Firmware> {
  const { board } = options;
  if (board.archId !== 'rp2040') {
    throw new RetuneError(
      `${board.file}: "archId" is ${board.archId ?? 'missing'}; only rp2040 boards have a firmware`,
    );
  }
  const folder = options.outDir ?? join(projectRoot, 'build', board.id);
  mkdirSync(folder, { recursive: true });
  const key = keyOf(options);
  const base = join(folder, board.id);
  if (!isBuilt(base, key)) {
    const generated = writeSources(folder, options);
    const sources = [...(options.sources ?? roomSources()), ...generated];
    const flags = [...CORTEX_M0_PLUS, ...FIRMWARE_FLAGS, ...partFlags(options)];
    flags.push(...(options.flags ?? []));
    // Objects in a folder of this process: two builds of one board must not mix.
    const objects = await compileObjects(sources, flags, scratchFolder(`objects-${key}`));
    await link(folder, base, objects, board);
    replaceFile(`${base}.key`, key);
  }
  return readFirmware(base, board);
}

/** The kernels of lora, which lie in RAM, and signatures only where they are used. */
function partFlags(options: FirmwareOptions): string[] {
  const flags = checksSignatures(options) ? [] : ['-DRT_WITHOUT_TRUST'];
  return options.model?.adapter?.method === 'lora' ? flags : [...flags, '-DRT_WITHOUT_LORA'];
}

function checksSignatures(options: FirmwareOptions): boolean {
  if (options.sources !== undefined) return false;
  return options.trust !== undefined || moduleNames(options).includes('delta');
}

/** What the result depends on, as a number. */
function keyOf(options: FirmwareOptions): string {
  const hash = createHash('sha256');
  const sources = options.sources ?? roomSources();
  const native = readdirSync(join(projectRoot, 'native'), { recursive: true, encoding: 'utf8' });
  const headers = native
    .filter((name) => /\.(h|ld|zig)$/.test(name))
    .map((name) => `native/${name}`);
  for (const path of [...sources, ...headers.sort()]) {
    hash.update(path).update(readFileSync(join(projectRoot, path)));
  }
  for (const text of Object.values(sourceTexts(options))) hash.update(text);
  hash.update(
    JSON.stringify([FIRMWARE_FLAGS, partFlags(options), options.flags ?? [], sources.map(flagsOf)]),
  );
  return hash.digest('hex').slice(0, 32);
}

function isBuilt(base: string, key: string): boolean {
  const files = ['elf', 'map', 'uf2', 'key'].map((ending) => `${base}.${ending}`);
  return files.every((file) => existsSync(file)) && readFileSync(`${base}.key`, 'utf8') === key;
}

function moduleNames({ modules, model, board }: FirmwareOptions): string[] {
  // Without a model nobody can learn or listen for words.
  const learning = ['learner', 'capture', 'delta'];
  const wanted = modules.filter((name) => model !== undefined || !learning.includes(name));
  const names = new Set([...learning.filter((name) => wanted.includes(name)), ...wanted]);
  for (const name of boardModules(board)) names.add(name);
  for (const name of names) {
    if (existsSync(join(projectRoot, 'native/services', `${name}.c`))) continue;
    throw new RetuneError(
      `module ${name}: there is no native/services/${name}.c; write it or take it off "modules"`,
    );
  }
  return [...names];
}

/** The generated files by name. */
function sourceTexts(options: FirmwareOptions): Record<string, string> {
  const texts: Record<string, string> = {
    'board.c': boardSource(options.board),
    'program.c': programSource(options.program),
    'link.ld': linkScript(options.board, options.model?.plan.bank),
  };
  if (!options.sources) {
    texts['modules.c'] = modulesSource(moduleNames(options));
    if (checksSignatures(options)) texts['trust.c'] = trustSource(options.trust);
    texts['model.c'] = modelSource(options.model);
  }
  return texts;
}

function writeSources(folder: string, options: FirmwareOptions): string[] {
  return Object.entries(sourceTexts(options)).flatMap(([name, text]) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return name.endsWith('.c') ? [relative(projectRoot, path)] : [];
  });
}

async function link(folder: string, base: string, objects: string[], board: Board): Promise<void> {
  // Written under other names first: a run that is stopped leaves nothing half done.
  const scratch = scratchFolder('link');
  const [elf, map] = [join(scratch, 'firmware.elf'), join(scratch, 'firmware.map')];
  const args = ['-T', join(folder, 'link.ld'), '--gc-sections', '--build-id=none', '-z', 'norelro'];
  const inputs = [...objects, await compilerRuntime()];
  await linkWith(['ld.lld', ...args, '-Map', map, ...inputs, '-o', elf], board);
  const file = readFileSync(elf);
  writeBootChecksum(file);
  replaceFile(`${base}.elf`, file);
  replaceFile(`${base}.map`, readFileSync(map));
  replaceFile(`${base}.uf2`, uf2(flashImage(readElf(file).segments), FLASH_ADDRESS));
}

/** At once: another process may be reading the file. */
function replaceFile(path: string, content: Uint8Array | string): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}

function readFirmware(base: string, board: Board): Firmware {
  const [elf, map] = [`${base}.elf`, `${base}.map`];
  const parsed = readElf(readFileSync(elf));
  const image = flashImage(parsed.segments);
  const report = firmwareReport(parsed, readFileSync(map, 'utf8'), image.length, board);
  return { elf, map, uf2: `${base}.uf2`, image, symbols: parsed.symbols, report };
}

/** What does not fit the board is the maker's to mend. */
async function linkWith(args: string[], board: Board): Promise<void> {
  try {
    await zig(args);
  } catch (error) {
    const text = error instanceof Error ? error.message : '';
    const match = /will not fit in region '(\w+)': overflowed by (\d+) bytes/.exec(text);
    if (match === null) throw error;
    const what =
      match[1] === 'FLASH'
        ? 'bytes of flash too many; use a smaller model, fewer modules, or a board with more flash'
        : 'bytes of RAM too many; lower "heapBytes" of the board, "windows", "places" or "rank" of the ' +
          'adapter, or use a smaller model';
    throw new RetuneError(`the firmware does not fit ${board.file}: ${match[2]} ${what}`);
  }
}

/** The boot ROM starts the second stage only when this fits. */
function writeBootChecksum(file: Uint8Array): void {
  const { segments } = readElf(file);
  const first = segments.find((segment) => segment.loadAddress === FLASH_ADDRESS);
  if (first === undefined) throw new Error('the image has nothing at the start of the flash');
  const crc = crc32Mpeg2(first.bytes.subarray(0, BOOT2_BYTES));
  new DataView(file.buffer, file.byteOffset).setUint32(first.fileOffset + BOOT2_BYTES, crc, true);
}

function flashImage(segments: ReturnType<typeof readElf>['segments']): Uint8Array {
  const loaded = segments.filter(({ bytes }) => bytes.length > 0);
  const end = Math.max(...loaded.map(({ loadAddress, bytes }) => loadAddress + bytes.length));
  const image = new Uint8Array(end - FLASH_ADDRESS).fill(0xff);
  for (const { loadAddress, bytes } of loaded) image.set(bytes, loadAddress - FLASH_ADDRESS);
  return image;
}
