import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');

export interface BuildOptions {
  /** C and assembler files, relative to the project root or absolute. */
  sources: string[];
  /** ELF file to write. */
  output: string;
  /** Leaves hot code (native/engine/hot.h) in flash. */
  isHotInFlash?: boolean;
  /** Optimisation and other flags of `zig cc`; default -O2 and -Inative. */
  flags?: string[];
}

/** link.ld, or with .ramcode in flash. */
function linkScript(folder: string, isHotInFlash: boolean): string {
  const script = join(here, 'link.ld');
  if (!isHotInFlash) return script;
  const text = readFileSync(script, 'utf8');
  const moved = text.replace(/(\.ramcode\b.*\}) > SRAM/, '$1 > FLASH');
  if (moved === text) throw new Error(`${script} has no .ramcode in SRAM`);
  const file = join(folder, 'hot-in-flash.ld');
  writeFileSync(file, moved);
  return file;
}

/** Compiles and links a bare Cortex-M0+ image with zig: functions to call, no start-up code. */
export function buildImage(options: BuildOptions): void {
  const { sources, output, flags = ['-O2', '-Inative'], isHotInFlash = false } = options;
  const target = ['-target', 'thumb-freestanding-eabi', '-mcpu=cortex_m0plus'];
  const zig = (...args: string[]) =>
    execFileSync(join(root, 'node_modules/.bin/zig'), ['cc', ...target, ...args], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
  const folder = `${resolve(output)}.objects`;
  mkdirSync(folder, { recursive: true });
  const objects = sources.map((source) => {
    // By path: two rooms may have files of the same name.
    const object = join(
      folder,
      `${relative(root, resolve(root, source)).replace(/[\\/]/g, '-')}.o`,
    );
    zig('-std=c99', ...flags, '-c', resolve(root, source), '-o', object);
    return object;
  });
  // In two steps: given -O2 when linking, zig drops every function, since nothing calls them.
  const script = `-Wl,-T,${linkScript(folder, isHotInFlash)}`;
  zig('-nostdlib', '-Wl,--no-gc-sections', script, ...objects, '-o', resolve(output));
}
