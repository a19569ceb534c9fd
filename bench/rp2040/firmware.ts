/**
 * All of native/ as machine code of the RP2040, on an emulated chip, behind the interface of class
 * Firmware: sim/training.ts and sim/features.ts drive either, so both do the very same calls.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CompiledModel } from '../../compiler/compile.ts';
import { buildImage as modelImage } from '../../compiler/emit-image.ts';
import { RetuneError } from '../../cli/error.ts';
import { statusText, type FirmwareInterface } from '../../sim/firmware.ts';
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

export class ChipFirmware implements FirmwareInterface {
  readonly machine: Rp2040Machine;
  /** Deepest stack of all calls. */
  stackBytes = 0;
  /** Cycles of all calls. */
  cyclesSoFar = 0;
  private lapStart = 0;
  private longest = 0;

  constructor(elf: string, options?: MachineOptions) {
    this.machine = Rp2040Machine.load(elf, options);
  }

  /** What misses of the flash cache would have added so far (xip.ts); 0 unless asked for. */
  get stallCycles(): number {
    return this.machine.xipMisses * MISS_CYCLES;
  }

  /** Cycles of the calls since the last lap. */
  lap(): Lap {
    const lap = { cycles: this.cyclesSoFar - this.lapStart, longest: this.longest };
    this.lapStart = this.cyclesSoFar;
    this.longest = 0;
    return lap;
  }

  /** Puts a model's tables into flash, behind anything that the code could fill. */
  placeModel({ description }: CompiledModel): number {
    this.machine.chip.flash.set(modelImage(description, MODEL).bytes, MODEL - FLASH);
    return MODEL;
  }

  /** Bytes of variables that the image itself has. */
  get staticBytes(): number {
    return this.machine.address('__heap_start') - SRAM;
  }

  allocate(bytes: number): number {
    return this.machine.allocate(bytes);
  }

  has(name: string): boolean {
    return this.machine.elf.symbols.has(name);
  }

  address(name: string): number {
    return this.machine.address(name);
  }

  call(name: string, ...args: number[]): number {
    const { result, cycles, stackBytes } = this.machine.call(name, args);
    this.cyclesSoFar += cycles;
    this.longest = Math.max(this.longest, cycles);
    this.stackBytes = Math.max(this.stackBytes, stackBytes);
    return result;
  }

  /** Cycles by function of one call, which the lap does not count. */
  profile(name: string, ...args: number[]): Map<string, number> {
    return this.machine.call(name, args, { profile: true }).profile ?? new Map<string, number>();
  }

  check(what: string, name: string, ...args: number[]): number {
    const status = this.call(name, ...args);
    if (status < 0) throw new RetuneError(`${what}: ${name}: ${statusText(status)}`);
    return status;
  }

  private at(address: number): number {
    return this.machine.chip.sram.byteOffset + address - SRAM;
  }

  private get buffer(): ArrayBufferLike {
    return this.machine.chip.sram.buffer;
  }

  i8 = (at: number, length: number): Int8Array => new Int8Array(this.buffer, this.at(at), length);
  u8 = (at: number, length: number): Uint8Array => new Uint8Array(this.buffer, this.at(at), length);
  i16 = (at: number, length: number): Int16Array =>
    new Int16Array(this.buffer, this.at(at), length);
  i32 = (at: number, length: number): Int32Array =>
    new Int32Array(this.buffer, this.at(at), length);
  u32 = (at: number, length: number): Uint32Array =>
    new Uint32Array(this.buffer, this.at(at), length);
}
