/**
 * sim/firmware.wasm: all of native/ for the simulator, deterministic to the byte.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultModel } from './default-model.mjs';
import { cFiles, compileAll, outputDir, root, zig } from './toolchain.mjs';
import { ED25519 } from './zig-object.mjs';

export const WASM = 'sim/firmware.wasm';

const FLAGS = [
  ...['-target', 'wasm32-freestanding', '-msimd128', '-O2', '-g0', '-ffreestanding'],
  ...['-fno-sanitize=undefined', '-fvisibility=default'],
];

/** Stack of the WebAssembly; it lies below the data, so that an overflow traps. */
const STACK_BYTES = 65536;

/** Folders of native/ that the simulator links: all, with a HAL of its own. */
const ROOMS = ['engine', 'dsp', 'libm', 'bus', 'services', 'store', 'vm', 'firmware', 'hal/sim'];

export async function buildWasm() {
  const rooms = ROOMS.flatMap((room) => cFiles(`native/${room}`));
  const sources = [...rooms, ED25519, 'native/hal/libc.c', defaultModel()];
  const objects = await compileAll(sources, FLAGS, 'wasm');
  const file = join(outputDir('wasm'), 'firmware.wasm');
  await zig([
    'wasm-ld',
    ...['--no-entry', '--export-dynamic', '--export=__heap_base', '--strip-all', '--stack-first'],
    ...['-z', `stack-size=${STACK_BYTES}`],
    ...objects.map((o) => o.object),
    ...['-o', file],
  ]);
  const bytes = readFileSync(file);
  const module = new WebAssembly.Module(bytes);
  const imports = WebAssembly.Module.imports(module);
  if (imports.length > 0) {
    throw new Error(`firmware.wasm needs ${imports.map((i) => i.name).join(', ')} from outside`);
  }
  return bytes;
}

export async function writeWasm() {
  const bytes = await buildWasm();
  writeFileSync(join(root, WASM), bytes);
  console.log(`${WASM}: ${bytes.length} bytes`);
}

/** Whether the committed file is what the sources give. */
export async function checkWasm() {
  const bytes = await buildWasm();
  const committed = readFileSync(join(root, WASM));
  if (!bytes.equals(committed)) {
    throw new Error(`${WASM} is not what native/ compiles to; run npm run build:native, commit it`);
  }
  console.log(`${WASM}: up to date, ${bytes.length} bytes`);
}
