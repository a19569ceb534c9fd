/**
 * An emulated RP2040 (rp2040js) that calls single functions of a bare image and counts cycles.
 * bench/rp2040/README.md says how to use it and what the counts are worth.
 */
import { readFileSync } from 'node:fs';
import { RP2040 } from 'rp2040js';
import { ChipClock } from '../../sim/rp2040/clock.ts';
import { Cpu, CpuStop } from '../../sim/rp2040/cpu.ts';
import { readElf, type Elf } from './elf.ts';
import { XipCpu } from './xip.ts';

const FLASH = 0x10000000;
const SRAM = 0x20000000;
const SRAM_BYTES = 264 * 1024;
/** The last word of SRAM holds the BKPT that functions return to; the stack is below it. */
const RETURN = SRAM + SRAM_BYTES - 8;
const BKPT = 0xbe00;
const FLASH_BYTES = 16 * 1024 * 1024;
const FLASH_SLOTS = FLASH_BYTES / 2;

/** A number for each halfword that code may lie in: SRAM behind flash. */
const slotOf = (address: number): number =>
  address < SRAM ? (address - FLASH) >> 1 : FLASH_SLOTS + ((address - SRAM) >> 1);

export interface CallResult {
  /** r0 after the call, as a signed and an unsigned number. */
  result: number;
  unsigned: number;
  /** Cycles as on the chip: as the Cortex-M0+ manual counts them (sim/rp2040/cpu.ts). */
  cycles: number;
  instructions: number;
  /** Bytes of stack used below the caller's. */
  stackBytes: number;
  /** Cycles spent inside each function itself (not in what it calls), if asked for. */
  profile?: Map<string, number>;
}

export interface CallOptions {
  /** Called whenever the core is about to execute what lies at the address; slow. */
  watch?: { address: number; seen: () => void };
  /** Also tell where the cycles go; many times slower. */
  profile?: boolean;
  /** Gives up with an error after so many cycles; default 2^32. */
  maxCycles?: number;
}

export interface MachineOptions {
  /** Also count what misses the flash cache (xip.ts); the cycles stay as they are. */
  xip?: boolean;
}

export class Rp2040Machine {
  readonly chip = new RP2040(new ChipClock());
  private readonly cpu: Cpu;
  private heap: number;
  private readonly owner: string[] = [];

  constructor(
    readonly elf: Elf,
    { xip = false }: MachineOptions = {},
  ) {
    // With a cache in front of it no read of flash is plain.
    const host = { synchronize: () => undefined, flashIsReadable: !xip };
    this.cpu = new (xip ? XipCpu : Cpu)(this.chip, host, FLASH_BYTES);
    for (const { address, bytes } of elf.segments) {
      if (address >= SRAM) this.chip.sram.set(bytes, address - SRAM);
      else this.chip.flash.set(bytes, address - FLASH);
    }
    this.chip.sramView.setUint16(RETURN - SRAM, BKPT, true);
    this.heap = this.address('__heap_start');
    for (const [name, { address, size, isFunction }] of elf.symbols) {
      if (!isFunction) continue;
      for (let at = address; at < address + size; at += 2) this.owner[slotOf(at)] = name;
    }
  }

  static load(path: string, options?: MachineOptions): Rp2040Machine {
    return new Rp2040Machine(readElf(readFileSync(path)), options);
  }

  /** Lines that the flash cache had to fetch so far; 0 without `xip`. */
  get xipMisses(): number {
    return this.cpu instanceof XipCpu ? this.cpu.cache.misses : 0;
  }

  /** Address of a function or variable. */
  address(name: string): number {
    const symbol = this.elf.symbols.get(name);
    if (!symbol) throw new Error(`the image has no symbol ${name}`);
    return symbol.address;
  }

  /** Takes SRAM behind the image's variables, aligned to 8 bytes; never given back. */
  allocate(bytes: number): number {
    const at = this.heap;
    this.heap = (at + bytes + 7) & ~7;
    if (this.heap > RETURN - 4096) throw new Error('emulated SRAM is full');
    return at;
  }

  /** Copies a typed array into SRAM; returns its address if none was given. */
  write(data: ArrayBufferView, address = this.allocate(data.byteLength)): number {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.chip.sram.set(bytes, address - SRAM);
    return address;
  }

  /** A copy of memory, in SRAM or flash. */
  read(address: number, bytes: number): Uint8Array {
    return address >= SRAM
      ? this.chip.sram.slice(address - SRAM, address - SRAM + bytes)
      : this.chip.flash.slice(address - FLASH, address - FLASH + bytes);
  }

  readInt32(address: number, count: number): Int32Array {
    return new Int32Array(this.read(address, 4 * count).buffer);
  }

  readInt8(address: number, count: number): Int8Array {
    return new Int8Array(this.read(address, count).buffer);
  }

  /** Calls a function by the AAPCS: four arguments in registers, the others on the stack. */
  call(name: string, args: number[] = [], options: CallOptions = {}): CallResult {
    const { core } = this.chip;
    const stack = (RETURN - 8 - 4 * Math.max(0, args.length - 4)) & ~7;
    args.slice(0, 4).forEach((value, i) => (core.registers[i] = value));
    args.slice(4).forEach((value, i) => this.chip.writeUint32(stack + 4 * i, value >>> 0));
    core.SP = stack;
    core.LR = RETURN | 1;
    core.PC = this.address(name);

    const { cpu } = this;
    const { profile = false, maxCycles = 2 ** 32, watch } = options;
    const start = { cycles: cpu.cycles, instructions: cpu.instructions };
    cpu.lowestStack = stack;
    const limit = start.cycles + maxCycles;
    const spent = profile ? this.profiled(limit) : undefined;
    if (watch) this.watched(limit, watch);
    else if (!profile) this.run(limit);
    const result: CallResult = {
      result: core.registers[0]! | 0,
      unsigned: core.registers[0]!,
      cycles: cpu.cycles - start.cycles,
      instructions: cpu.instructions - start.instructions,
      stackBytes: stack - cpu.lowestStack,
    };
    if (spent) result.profile = new Map([...spent].sort((a, b) => b[1] - a[1]));
    return result;
  }

  /** Runs until the function returns; the BKPT that it returns to counts nothing. */
  private run(limit: number): void {
    this.untilReturn(limit, () => this.cpu.run(limit));
  }

  /** The same instruction by instruction, looking for an address. */
  private watched(limit: number, { address, seen }: { address: number; seen: () => void }): void {
    const { cpu, chip } = this;
    this.untilReturn(limit, () => {
      if (chip.core.PC === address) seen();
      cpu.run(cpu.cycles + 1);
    });
  }

  private untilReturn(limit: number, run: () => void): void {
    try {
      for (;;) {
        run();
        if (this.cpu.cycles >= limit) throw new Error(`over ${limit} cycles`);
      }
    } catch (error) {
      if (!(error instanceof CpuStop && error.breakpoint !== undefined)) throw error;
    }
  }

  /** The same instruction by instruction: cycles by function. */
  private profiled(limit: number): Map<string, number> {
    const { cpu } = this;
    const spent = new Map<string, number>();
    this.untilReturn(limit, () => {
      const { cycles } = cpu;
      const owner = this.owner[slotOf(this.chip.core.PC)] ?? '?';
      cpu.run(cycles + 1);
      spent.set(owner, (spent.get(owner) ?? 0) + cpu.cycles - cycles);
    });
    return spent;
  }
}
