/** Builds the harness for this computer, with the store as it is or with a fault put into it. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { cFiles, projectRoot, scratchFolder, zig } from '../../compiler/toolchain.ts';
import { WARNINGS } from '../../tools/native/toolchain.mjs';
import type { Change, Mutant } from './mutants.ts';

const run = promisify(execFile);

const HARNESS = 'test/power';
/** Deltas and trust are built on the store, and signatures need zig. */
const OTHERS = /\/(delta|trust|ed25519)[a-z_]*\.c$/;
const FLAGS = [...WARNINGS, '-g', '-fno-strict-aliasing'];
const SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

/** A static binary where that needs no headers of the system. */
function target(): string[] {
  const cpus: Partial<Record<NodeJS.Architecture, string>> = { x64: 'x86_64', arm64: 'aarch64' };
  const cpu = cpus[process.arch];
  return process.platform === 'linux' && cpu !== undefined ? ['-target', `${cpu}-linux-musl`] : [];
}

export function storeFiles(): string[] {
  return cFiles('native/store').filter((file) => !OTHERS.test(file));
}

/** The store's CRC is most of what a mount costs here: see crc.h. */
const FAST_CRC: Change = {
  file: 'native/store/log.c',
  find: `  const uint8_t *at = bytes;
  crc = ~crc;
  for (uint32_t i = 0; i < count; i++) {
    crc ^= at[i];
    crc = (crc >> 4) ^ crc_table[crc & 15u];
    crc = (crc >> 4) ^ crc_table[crc & 15u];
  }
  return ~crc;
`,
  replace: `  uint32_t rt_power_crc32(uint32_t, const void *, uint32_t);
  (void)crc_table;
  return rt_power_crc32(crc, bytes, count);
`,
};

/** Copies of the files that changes are for, by the names of the files. Throws when a text is not there. */
function changed(name: string, changes: Change[], folder: string): Map<string, string> {
  const copies = new Map<string, string>();
  for (const { file, find, replace } of changes) {
    const copy = join(folder, basename(file));
    const text = readFileSync(copies.get(file) ?? join(projectRoot, file), 'utf8');
    if (text.split(find).length !== 2) {
      throw new Error(
        `${name}: ${file} does not have this text exactly once any more; ` +
          `change test/power/mutants.ts or build.ts:\n${find}`,
      );
    }
    writeFileSync(
      copy,
      text.replace(find, () => replace),
    );
    copies.set(file, copy);
  }
  return copies;
}

export interface BuildOptions {
  mutant?: Mutant;
  /** With AddressSanitizer and UndefinedBehaviorSanitizer, by gcc or clang on the PATH. */
  sanitized?: boolean;
}

/** The compiler that has sanitizers, if this computer has one. */
export function sanitizingCompiler(): string | undefined {
  return ['gcc', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0);
}

/** Returns the program's path. */
export async function buildHarness({ mutant, sanitized }: BuildOptions = {}): Promise<string> {
  const name = mutant?.name.replaceAll(/[^a-z]+/g, '-') ?? (sanitized ? 'sanitized' : 'plain');
  const folder = scratchFolder(`power-${name}`);
  const changes = [...(sanitized ? [] : [FAST_CRC]), ...(mutant?.changes ?? [])];
  const copies = changed(name, changes, folder);
  const files = [...storeFiles().map((file) => copies.get(file) ?? file), ...cFiles(HARNESS)];
  const program = join(folder, process.platform === 'win32' ? 'power.exe' : 'power');
  // A mutant may leave something unused; the others are built alike, so that zig knows them.
  const include = ['-Inative', '-Inative/engine'];
  const common = [...FLAGS, '-Wno-error', ...include, ...files, '-o', program];
  const compiler = sanitized ? sanitizingCompiler() : undefined;
  if (compiler !== undefined)
    await run(compiler, ['-O1', ...SANITIZERS, ...common], { cwd: projectRoot });
  else await zig(['cc', ...target(), '-O2', '-fno-sanitize=all', ...common]);
  return program;
}

/** The names of the scripts. */
export async function scriptNames(program: string): Promise<string[]> {
  const { stdout } = await run(program, ['--list']);
  return stdout.trim().split(/\s+/);
}

export interface Run {
  status: number;
  /** One object for each line of JSON. */
  parts: Part[];
  failures: string[];
  seconds: number;
}

export type Part = Record<string, unknown> & { part: 'cuts' | 'flips' | 'stuck' | 'wear' };

/** Runs it to its end. @param onPart called for each part as it comes */
export function runHarness(
  program: string,
  args: readonly string[],
  onPart: (part: Part) => void = () => undefined,
): Promise<Run> {
  const begin = performance.now();
  const result: Run = { status: 0, parts: [], failures: [], seconds: 0 };
  const take = (line: string): void => {
    if (line.startsWith('{')) {
      const part = JSON.parse(line) as Part;
      result.parts.push(part);
      onPart(part);
    } else if (line !== '') result.failures.push(line);
  };
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let rest = '';
    const feed = (text: string): void => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(take);
    };
    child.stdout.setEncoding('utf8').on('data', feed);
    child.stderr.setEncoding('utf8').on('data', feed);
    child.once('error', reject);
    child.once('close', (status, signal) => {
      take(rest);
      if (signal !== null) result.failures.push(`ended by ${signal}`);
      result.status = status ?? 3;
      result.seconds = (performance.now() - begin) / 1000;
      resolve(result);
    });
  });
}
