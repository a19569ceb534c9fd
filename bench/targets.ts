/** What the benchmark runs on: the boards' machine code, the simulator, and the judge of both. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CompiledModel } from '../compiler/compile.ts';
import { buildImage } from '../compiler/emit-image.ts';
import { cFiles, compileObjects, scratchFolder, zig } from '../compiler/toolchain.ts';
import { Firmware } from '../sim/firmware.ts';
import type { BenchFirmware, BenchTarget } from './device.ts';
import { buildFirmware, ChipFirmware } from './rp2040/firmware.ts';
import type { BenchRow, Target } from './rows.ts';
import { buildRv32Image, engineSources } from './rv32/build.ts';
import { Rv32Firmware } from './rv32/firmware.ts';

/** WebAssembly behind the benchmark's interface; nobody counts its cycles. */
class WasmFirmware extends Firmware implements BenchFirmware {
  placeModel({ description }: CompiledModel): number {
    const bytes = buildImage(description, 0).bytes.length;
    const at = this.allocate(bytes);
    this.u8(at, bytes).set(buildImage(description, at).bytes);
    return at;
  }
}

const images = new Map<string, string>();

/** An image of the chip, built once a process. */
function chipImage(name: string, isHotInFlash = false): string {
  const known = images.get(name);
  if (known !== undefined) return known;
  const elf = join(scratchFolder('bench'), `${name}.elf`);
  buildFirmware(elf, isHotInFlash);
  images.set(name, elf);
  return elf;
}

function rp2040(): BenchTarget {
  const elf = chipImage('rp2040');
  return { packed: true, boot: () => new ChipFirmware(elf) };
}

/** The same, with the flash cache: hot code in SRAM as on the board, and all code in flash. */
interface XipTargets {
  hotInSram: BenchTarget;
  allInFlash: BenchTarget;
}

function xipTargets(): XipTargets {
  const on = (elf: string): BenchTarget => ({
    packed: true,
    boot: () => new ChipFirmware(elf, { xip: true }),
  });
  return {
    hotInSram: on(chipImage('rp2040')),
    allInFlash: on(chipImage('rp2040-hot-in-flash', true)),
  };
}

/** The same measure with hot code in SRAM and with all code in flash, in cycles. */
export function stallsOf(measure: (target: BenchTarget) => number): BenchRow['stallCycles'] {
  const { hotInSram, allInFlash } = xipTargets();
  return { hotInSram: measure(hotInSram), allInFlash: measure(allInFlash) };
}

async function rv32(): Promise<BenchTarget> {
  const elf = join(scratchFolder('bench'), 'rv32.elf');
  await buildRv32Image(engineSources(), elf);
  return { packed: true, boot: () => new Rv32Firmware(elf) };
}

const WASM = ['-target', 'wasm32-freestanding'];
const WASM_FLAGS = [
  ...['-std=c99', '-O2', '-g0', '-ffreestanding', '-fno-sanitize=undefined'],
  ...['-fvisibility=default', '-Inative', '-Inative/engine'],
  ...['-isystem', 'native/hal/freestanding'],
];

/**
 * The judge of training: the portable C of native/engine with plain weights, without assembly, SIMD
 * or packed tables, compiled from the present sources.
 */
async function portable(): Promise<BenchTarget> {
  const folder = scratchFolder('bench-portable');
  const sources = [
    ...cFiles('native/engine'),
    ...cFiles('native/dsp'),
    ...['libc.c', 'sim/exports.c', 'sim/training.c'].map((name) => `native/hal/${name}`),
  ];
  const objects = await compileObjects(sources, [...WASM, ...WASM_FLAGS], folder);
  const file = join(folder, 'portable.wasm');
  await zig([
    ...['wasm-ld', '--no-entry', '--export-dynamic', '--export=__heap_base', '--stack-first'],
    ...['-z', 'stack-size=65536', ...objects, '-o', file],
  ]);
  const module = new WebAssembly.Module(readFileSync(file));
  return { packed: false, boot: () => new WasmFirmware(module) };
}

const makers: Partial<Record<Target, () => BenchTarget | Promise<BenchTarget>>> = {
  rp2040,
  rv32,
  wasm: () => ({ packed: false, boot: () => new WasmFirmware() }),
};

const made = new Map<Target | 'portable', Promise<BenchTarget>>();

/** Built once a process; none for the host, which runs whole programs (host.ts). */
export async function targetOf(name: Target): Promise<BenchTarget | undefined> {
  const maker = makers[name];
  if (!maker) return undefined;
  const known = made.get(name) ?? Promise.resolve(maker());
  made.set(name, known);
  return known;
}

export function portableTarget(): Promise<BenchTarget> {
  const known = made.get('portable') ?? portable();
  made.set('portable', known);
  return known;
}
