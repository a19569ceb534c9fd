/** The VM with bench/vm/chip.c as its board, for the emulated RP2040 and for WebAssembly. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileAll, cFiles, outputDir, root, zig } from '../../tools/native/toolchain.mjs';

const ROOMS = ['vm', 'bus', 'libm', 'firmware', 'store'];
const MORE = ['services/service.c', 'services/light_bulb.c', 'hal/libc.c'];
/** As the firmware is built. */
const FLAGS = [
  ...['-O2', '-g0', '-ffreestanding', '-fno-unroll-loops', '-fno-sanitize=all'],
  '-DRT_WITHOUT_TRUST',
];
const THUMB = ['-target', 'thumb-freestanding-eabi', '-mcpu=cortex_m0plus'];
const WASM = ['-target', 'wasm32-freestanding', '-fvisibility=default'];

function sources(): string[] {
  // deltas are installed for an engine, which is not there
  const rooms = ROOMS.flatMap((room) => cFiles(`native/${room}`)).filter(
    (file) => !file.startsWith('native/store/delta_'),
  );
  return [...rooms, ...MORE.map((file) => `native/${file}`), 'bench/vm/chip.c'];
}

async function compile(flags: string[], folder: string, more: string[] = []): Promise<string[]> {
  const objects = await compileAll([...sources(), ...more], [...FLAGS, ...flags], folder);
  return objects.map(({ object }) => object);
}

/** An ELF file of functions to call, with those of `more` C files; no start-up code. */
export async function buildChip(name = 'bench-vm', more: string[] = []): Promise<string> {
  const output = join(outputDir(name), 'chip.elf');
  const objects = await compile(THUMB, `${name}/thumb`, more);
  const script = `-Wl,-T,${join(root, 'bench/rp2040/link.ld')}`;
  await zig([
    'cc',
    ...THUMB,
    '-nostdlib',
    '-Wl,--no-gc-sections',
    script,
    ...objects,
    '-o',
    output,
  ]);
  return output;
}

export async function buildWasm(): Promise<Uint8Array<ArrayBuffer>> {
  const output = join(outputDir('bench-vm'), 'vm.wasm');
  const objects = await compile(WASM, 'bench-vm/wasm');
  const exported = ['bench_start', 'bench_run', '__heap_base'].map((name) => `--export=${name}`);
  await zig(['wasm-ld', '--no-entry', ...exported, ...objects, '-o', output]);
  return new Uint8Array(readFileSync(output));
}
