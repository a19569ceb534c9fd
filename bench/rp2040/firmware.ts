/**
 * All of native/ as machine code of the RP2040, on an emulated chip, behind the interface of class
 * Firmware: sim/training.ts and sim/features.ts drive either, so both do the very same calls.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CompiledModel } from '../../compiler/compile.ts';
import { buildImage as modelImage } from '../../compiler/emit-image.ts';
import { CountedFirmware } from '../counted-firmware.ts';
import { buildImage } from './build.ts';
import { Rp2040Machine, type MachineOptions } from './machine.ts';
import { MISS_CYCLES } from './xip.ts';

const root = resolve(fileURLToPath(import.meta.url), '../../..');
const SRAM = 0x20000000;
const FLASH = 0x10000000;
const MODEL = FLASH + 0x100000;
/** As the firmware is built; the sanitizer that zig adds in debug builds is off at -O2. */
const FLAGS = ['-O2', '-fno-unroll-loops', '-ffreestanding', '-Inative', '-Inative/engine'];

/** Compiles native/dsp, native/engine and what TypeScript needs to look inside. */
export function buildFirmware(output: string, isHotInFlash = false): void {
  mkdirSync(dirname(output), { recursive: true });
  const rooms = ['native/dsp', 'native/engine'].flatMap((room) =>
    readdirSync(join(root, room))
      .filter((name) => name.endsWith('.c'))
      .map((name) => join(room, name)),
  );
  const others = ['hal/libc.c', 'hal/sim/exports.c', 'hal/sim/training.c'];
  const sources = [...rooms, ...others.map((name) => join('native', name))];
  buildImage({ sources, output, flags: FLAGS, isHotInFlash });
}

/** What calls took since it was last asked. */
export interface Lap {
  cycles: number;
  /** The longest single call. */
  longest: number;
}

export class ChipFirmware extends CountedFirmware<Rp2040Machine> {
  private lapStart = 0;

  constructor(elf: string, options?: MachineOptions) {
    super(Rp2040Machine.load(elf, options));
  }

  /** What misses of the flash cache would have added so far (xip.ts); 0 unless asked for. */
  get stallCycles(): number {
    return this.machine.xipMisses * MISS_CYCLES;
  }

  /** Cycles of the calls since the last lap. */
  lap(): Lap {
    const lap = { cycles: this.cyclesSoFar - this.lapStart, longest: this.longestCall() };
    this.lapStart = this.cyclesSoFar;
    return lap;
  }

  placeModel({ description }: CompiledModel): number {
    this.machine.chip.flash.set(modelImage(description, MODEL).bytes, MODEL - FLASH);
    return MODEL;
  }

  /** Bytes of variables that the image itself has. */
  get staticBytes(): number {
    return this.machine.address('__heap_start') - SRAM;
  }

  protected get buffer(): ArrayBufferLike {
    return this.machine.chip.sram.buffer;
  }

  protected place(address: number): number {
    return this.machine.chip.sram.byteOffset + address - SRAM;
  }
}
