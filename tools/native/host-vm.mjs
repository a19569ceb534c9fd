/**
 * Builds the firmware as a program of this computer (native/hal/host), in variants:
 *
 *   plain   optimised, by npm's zig: needs nothing installed
 *   trace   counts opcodes and natives
 *   asan    with AddressSanitizer and UndefinedBehaviorSanitizer (gcc or clang)
 *   stress  asan, and the collector runs at every allocation
 *   fuzz    asan, the fuzzer of images instead of the runner
 *   frames  asan, the fuzzer of frames (test/bus/fuzz.c), which brings a link of its own
 *
 * Without a compiler on the PATH, zig builds the sanitized variants too: it has no AddressSanitizer,
 * undefined behaviour traps.
 */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { flagsOf, labelOf } from './musl.mjs';
import { cFiles, outputDir, root, WARNINGS, zig } from './toolchain.mjs';
import { ED25519, isZig, zigObjectArguments } from './zig-object.mjs';

const run = promisify(execFile);
const JOBS = 2;

const ROOMS = ['vm', 'bus', 'firmware', 'store', 'libm', 'hal/host'];
/** A limit that a type keeps by itself may still be written down. */
const LIMITS = '-Wno-type-limits';
const COMMON = [...WARNINGS, LIMITS, '-Inative', '-g', '-fno-strict-aliasing', '-ffp-contract=off'];
const SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const TRAPS = ['-fsanitize=undefined', '-fsanitize-trap=undefined'];

/** Flags of each variant, whether it is sanitized, and which main function it has. */
const VARIANTS = {
  plain: { flags: ['-O2', '-fno-sanitize=all'], main: 'main.c' },
  trace: { flags: ['-O1', '-fno-sanitize=all', '-DRT_VM_TRACE'], main: 'main.c' },
  asan: { flags: ['-O1'], sanitized: true, main: 'main.c' },
  stress: { flags: ['-O1', '-DRT_HEAP_STRESS'], sanitized: true, main: 'main.c' },
  fuzz: { flags: ['-O1'], sanitized: true, main: 'fuzz.c' },
  frames: {
    flags: ['-O1'],
    sanitized: true,
    main: 'test/bus/fuzz.c',
    without: ['machine.c', 'run.c'],
    /** Its objects are those of asan. */
    folder: 'asan',
    program: 'retune-frames',
  },
};

export const hostVariants = Object.keys(VARIANTS);

const MAINS = ['main.c', 'fuzz.c'];

function sources({ main, without = [] }) {
  const others = [...MAINS.filter((name) => name !== main), ...without];
  const left = new Set(others.map((name) => `native/hal/host/${name}`));
  // deltas are installed for an engine, which this firmware is without
  const all = ROOMS.flatMap((room) => cFiles(`native/${room}`)).filter(
    (file) => !left.has(file) && !file.startsWith('native/store/delta_'),
  );
  return [...all, ED25519, 'native/services/service.c', ...(main.includes('/') ? [main] : [])];
}

function newestHeader() {
  const headers = ROOMS.concat('engine', 'hal', 'libm/musl', 'services').flatMap((room) => {
    const folder = join(root, 'native', room);
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter((name) => /\.(h|zig)$/.test(name))
      .map((name) => join(folder, name));
  });
  return Math.max(...headers.map((file) => statSync(file).mtimeMs));
}

let systemCompiler;
function findCompiler() {
  systemCompiler ??= ['gcc', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0);
  return systemCompiler;
}

/** A static binary where that needs no headers of the system. */
function zigTarget() {
  const cpu = { x64: 'x86_64', arm64: 'aarch64' }[process.arch];
  return process.platform === 'linux' && cpu ? ['-target', `${cpu}-linux-musl`] : [];
}

/** The compiler of a variant: a function of its arguments. */
function compilerOf({ sanitized, flags }) {
  const compiler = sanitized ? findCompiler() : undefined;
  const checks = sanitized ? (compiler === undefined ? TRAPS : SANITIZERS) : [];
  const own = [
    ...checks,
    ...flags.filter((flag) => compiler === undefined || flag !== '-fno-sanitize=all'),
  ];
  if (compiler === undefined) return (args) => zig(['cc', ...zigTarget(), ...own, ...args]);
  return async (args) => {
    try {
      await run(compiler, [...own, ...args], { cwd: root });
    } catch (error) {
      throw new Error(`${compiler} failed:\n${error.stderr || error.message}`);
    }
  };
}

function isNewer(file, than) {
  return existsSync(file) && statSync(file).mtimeMs > than;
}

/** Makes a file whole or not at all: two builds may run at a time. */
async function toFile(file, make) {
  const temporary = `${file}.${process.pid}.o`;
  const begun = new Date();
  await make(temporary);
  // as old as what it was made from: a header may have changed meanwhile
  utimesSync(temporary, begun, begun);
  renameSync(temporary, file);
}

async function compileStale(compile, objects) {
  const header = newestHeader();
  const stale = objects.filter(
    ({ source, object }) =>
      !isNewer(object, Math.max(header, statSync(join(root, source)).mtimeMs)),
  );
  const worker = async () => {
    for (let next = stale.shift(); next !== undefined; next = stale.shift()) {
      if (isZig(next.source)) {
        const { source } = next;
        await toFile(next.object, (file) => zig(zigObjectArguments(source, file, zigTarget())));
        continue;
      }
      const flags = [...COMMON, ...flagsOf(next.source)];
      await toFile(next.object, (file) => compile([...flags, '-c', next.source, '-o', file]));
    }
  };
  await Promise.all(Array.from({ length: JOBS }, worker));
}

/** Builds what has changed; returns the path of the program. */
export async function buildHost(variant) {
  const description = VARIANTS[variant];
  if (description === undefined) throw new Error(`${variant}: no such variant`);
  const folder = outputDir(join('host-vm', description.folder ?? variant));
  const objects = sources(description).map((source) => ({
    source,
    object: join(
      folder,
      `${labelOf(source)
        .replace(/^native\//, '')
        .replaceAll('/', '-')}.o`,
    ),
  }));
  const compile = compilerOf(description);
  await compileStale(compile, objects);
  const name = description.program ?? 'retune-host';
  const program = join(folder, process.platform === 'win32' ? `${name}.exe` : name);
  const newest = Math.max(...objects.map(({ object }) => statSync(object).mtimeMs));
  if (!isNewer(program, newest)) {
    const files = objects.map(({ object }) => object);
    await toFile(program, (file) => compile([...files, '-o', file, '-lm']));
  }
  return program;
}
