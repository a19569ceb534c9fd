/**
 * Compiles native/ for this computer and runs test/native/*.c: kernels against slow versions, the
 * model check against damaged tables, whole training bursts.
 *
 * With gcc or clang on the PATH under AddressSanitizer and UndefinedBehaviorSanitizer. Without, with
 * npm's zig, which brings no AddressSanitizer: undefined behaviour traps, and that is said.
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cFiles, outputDir, root, WARNINGS, zig } from './toolchain.mjs';
import { ED25519, zigObjectArguments } from './zig-object.mjs';

const run = promisify(execFile);

const FLAGS = ['-O1', '-g', '-Inative', '-Inative/engine', '-fno-strict-aliasing'];
const SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const TRAPS = ['-fsanitize=undefined', '-fsanitize-trap=undefined'];

/** As compile-test-models.ts writes them. */
const MODELS = ['head', 'skip', 'lora', 'low_rank', 'momentum'].map(
  (kind) => `build/host/model-${kind}.c`,
);

/** The C files under test, the bench of the services, and models to run; libc.c is for targets without a C library. */
function sources() {
  const rooms = ['engine', 'dsp', 'store', 'services'].map((room) => `native/${room}`);
  const tests = ['test/services', 'test/native'];
  return [...rooms, ...tests].flatMap(cFiles).concat(['native/bus/sha256.c'], MODELS);
}

function compileModels() {
  const args = ['--import', 'tsx', 'tools/native/compile-test-models.ts'];
  execFileSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
}

function hasCompiler(name) {
  return spawnSync(name, ['--version']).status === 0;
}

/** A static binary where that needs no headers of the system. */
function zigTarget() {
  const cpu = { x64: 'x86_64', arm64: 'aarch64' }[process.arch];
  return process.platform === 'linux' && cpu ? ['-target', `${cpu}-linux-musl`] : [];
}

async function compile(compiler, file) {
  const ed25519 = join(outputDir('host'), 'ed25519.o');
  await zig(zigObjectArguments(ED25519, ed25519, zigTarget()));
  const common = [...WARNINGS, ...FLAGS, ...sources(), ed25519, '-o', file, '-lm'];
  if (!compiler) return zig(['cc', ...zigTarget(), ...TRAPS, ...common]);
  try {
    return await run(compiler, [...SANITIZERS, ...common], { cwd: root });
  } catch (error) {
    throw new Error(`${compiler} failed:\n${error.stderr || error.message}`);
  }
}

/** Builds and runs the tests; throws when one fails. @param useZig even if there is a compiler */
export async function runHostTests({ useZig = false } = {}) {
  const compiler = useZig ? undefined : ['gcc', 'clang'].find(hasCompiler);
  const file = join(outputDir('host'), compiler ? 'native-test' : 'native-test-zig');
  compileModels();
  await compile(compiler, file);
  const how = compiler
    ? `${compiler} with AddressSanitizer and UndefinedBehaviorSanitizer`
    : 'zig with traps for undefined behaviour';
  console.log(`native tests, built by ${how}`);
  const { status, signal } = spawnSync(file, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`native tests ended with ${signal ?? `status ${status}`}`);
}
