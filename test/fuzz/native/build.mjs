/**
 * Builds the native fuzz targets:
 *
 *   fuzzer  libFuzzer, AddressSanitizer, UndefinedBehaviorSanitizer and coverage; needs clang with
 *           its run-time library (Debian: apt-get install clang llvm libclang-rt-14-dev)
 *   replay  runs files through a target; clang with sanitizers, else npm's zig with traps for
 *           undefined behaviour
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { flagsOf, labelOf } from '../../../tools/native/musl.mjs';
import { cFiles, outputDir, root, WARNINGS, zig } from '../../../tools/native/toolchain.mjs';

const run = promisify(execFile);
const JOBS = 2;

const HERE = 'test/fuzz/native';
const FOLDER = 'build/fuzz-native';
const ROOMS = ['engine', 'dsp', 'vm', 'bus', 'firmware', 'store', 'services', 'libm'];
const MODELS = ['skip', 'head', 'lora', 'low_rank', 'momentum'];
const MADE = [...MODELS.map((kind) => `${FOLDER}/model-${kind}.c`), `${FOLDER}/programs.c`];

const SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const TRAPS = ['-fsanitize=undefined', '-fsanitize-trap=undefined'];
const COMMON = [
  ...[...WARNINGS, '-Wno-type-limits', '-Inative', '-Inative/engine', `-I${HERE}`, '-O1', '-g'],
  ...['-fno-strict-aliasing', '-ffp-contract=off', '-fno-omit-frame-pointer'],
];
const COVERAGE = ['-fprofile-instr-generate', '-fcoverage-mapping'];

const VARIANTS = {
  fuzzer: { main: 'fuzzer.c', without: 'replay.c', program: 'retune-libfuzzer' },
  replay: { main: 'replay.c', without: 'fuzzer.c', program: 'retune-replay' },
};

const hasCommand = (name) => spawnSync(name, ['--version']).status === 0;

/** A static binary where that needs no headers of the system. */
function zigTarget() {
  const cpu = { x64: 'x86_64', arm64: 'aarch64' }[process.arch];
  return process.platform === 'linux' && cpu ? ['-target', `${cpu}-linux-musl`] : [];
}

/** The compiler of a variant, a function of its arguments, and what it is called. */
function compilerOf(variant) {
  const compiler = ['clang'].find(hasCommand);
  if (compiler === undefined && variant === 'fuzzer') {
    throw new Error('clang is missing; on Debian: apt-get install clang llvm libclang-rt-14-dev');
  }
  if (compiler === undefined) {
    return (args) => zig(['cc', ...zigTarget(), ...TRAPS, ...args]);
  }
  const own =
    variant === 'fuzzer' ? [...SANITIZERS, ...COVERAGE, '-fsanitize=fuzzer-no-link'] : SANITIZERS;
  return async (args) => {
    try {
      await run(compiler, [...own, ...args], { cwd: root });
    } catch (error) {
      throw new Error(`${compiler} failed:\n${error.stderr || error.message}`);
    }
  };
}

function newestHeader() {
  const folders = [...ROOMS, 'hal', 'libm/musl'].map((room) => `native/${room}`).concat(HERE);
  const headers = folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.h'))
      .map((name) => statSync(join(root, folder, name)).mtimeMs),
  );
  return Math.max(...headers);
}

const isNewer = (file, than) => existsSync(file) && statSync(file).mtimeMs > than;

/** Makes a file whole or not at all: two builds may run at a time. */
async function toFile(file, make) {
  const temporary = `${file}.${process.pid}.o`;
  const begun = new Date();
  await make(temporary);
  utimesSync(temporary, begun, begun); // as old as what it was made from
  renameSync(temporary, file);
}

/** Variables of the firmware lie where machine.c finds them. */
const sectionsOf = (source) =>
  source.startsWith('native/') ? ['-include', `${HERE}/sections.h`] : [];

async function compileStale(compile, objects) {
  const header = newestHeader();
  const stale = objects.filter(
    ({ source, object }) =>
      !isNewer(object, Math.max(header, statSync(join(root, source)).mtimeMs)),
  );
  const worker = async () => {
    for (let next = stale.shift(); next !== undefined; next = stale.shift()) {
      const flags = [...COMMON, ...flagsOf(next.source), ...sectionsOf(next.source)];
      await toFile(next.object, (file) => compile([...flags, '-c', next.source, '-o', file]));
    }
  };
  await Promise.all(Array.from({ length: JOBS }, worker));
}

/** The models and programs, when a source of theirs is newer. */
function makeSeeds() {
  const sources = ['compiler', 'test/support', HERE].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.ts'))
      .map((name) => statSync(join(root, folder, name)).mtimeMs),
  );
  if (MADE.every((file) => isNewer(join(root, file), Math.max(...sources)))) return;
  const args = ['--import', 'tsx', `${HERE}/seeds.ts`, FOLDER];
  execFileSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
}

/** Builds what has changed; returns the path of the program. @param {'fuzzer' | 'replay'} variant */
export async function buildFuzz(variant) {
  const { without, program } = VARIANTS[variant];
  const folder = outputDir(join('fuzz-native', variant));
  makeSeeds();
  const sources = ROOMS.flatMap((room) => cFiles(`native/${room}`))
    .concat(cFiles(HERE), MADE)
    .filter((file) => file !== `${HERE}/${without}`);
  const objects = sources.map((source) => ({
    source,
    object: join(folder, `${labelOf(source).replaceAll('/', '-')}.o`),
  }));
  const compile = compilerOf(variant);
  await compileStale(compile, objects);
  const file = join(folder, process.platform === 'win32' ? `${program}.exe` : program);
  const newest = Math.max(...objects.map(({ object }) => statSync(object).mtimeMs));
  if (!isNewer(file, newest)) {
    const link = variant === 'fuzzer' ? ['-fsanitize=fuzzer'] : [];
    const all = objects.map(({ object }) => object);
    await toFile(file, (temporary) => compile([...link, ...all, '-o', temporary, '-lm']));
  }
  return file;
}
