/**
 * An emulated RP2040 (rp2040js) that calls single functions of a bare image and counts cycles.
 * bench/rp2040/README.md says how to use it and what the counts are worth.
 */
import { readFileSync } from 'node:fs';
import { RP2040 } from 'rp2040js';
import { readElf, type Elf } from './elf.ts';

const FLASH = 0x10000000;
const SRAM = 0x20000000;
const SRAM_BYTES = 264 * 1024;
/** The last word of SRAM holds the BKPT that functions return to; the stack is below it. */
const RETURN = SRAM + SRAM_BYTES - 8;
const BKPT = 0xbe00;

export interface CallResult {
  /** r0 after the call, as a signed and an unsigned number. */
  result: number;
  unsigned: number;
  /** Cycles as on the chip: the emulator's, plus one for each PUSH with LR and POP with PC. */
  cycles: number;
  /** The emulator's own count. */
  emulatorCycles: number;
  instructions: number;
  /** Bytes of stack used below the caller's. */
  stackBytes: number;
  /** Cycles spent inside each function itself (not in what it calls), if asked for. */
  profile?: Map<string, number>;
}

export interface CallOptions {
  /** Also tell where the cycles go. */
  profile?: boolean;
  /** Gives up with an error after so many cycles; default 2^32. */
  maxCycles?: number;
}

export class Rp2040Machine {
  readonly chip = new RP2040();
  private heap: number;
  private readonly owner: string[] = [];

  constructor(readonly elf: Elf) {
    for (const { address, bytes } of elf.segments) {
      if (address >= SRAM) this.chip.sram.set(bytes, address - SRAM);
      else this.chip.flash.set(bytes, address - FLASH);
    }
    this.chip.sramView.setUint16(RETURN - SRAM, BKPT, true);
    this.heap = this.address('__heap_start');
    for (const [name, { address, size, isFunction }] of elf.symbols) {
      if (!isFunction || address >= SRAM) continue;
      for (let at = address; at < address + size; at += 2) this.owner[(at - FLASH) >> 1] = name;
    }
  }

  static load(path: string): Rp2040Machine {
    return new Rp2040Machine(readElf(readFileSync(path)));
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

    let stopped = false;
    this.chip.onBreak = () => (stopped = true);
    const { profile, maxCycles = 2 ** 32 } = options;
    const spent = new Map<string, number>();
    const flash = this.chip.flash16;
    const start = core.cycles;
    let corrections = 0;
    let instructions = 0;
    let lowest = stack;
    while (!stopped) {
      const pc = core.PC;
      const before = core.cycles;
      const opcode = pc < SRAM ? flash[(pc - FLASH) >> 1]! : 0;
      core.executeInstruction();
      let extra = 0;
      if ((opcode & 0xff00) === 0xb500 || (opcode & 0xff00) === 0xbd00) extra = 1;
      corrections += extra;
      instructions += 1;
      if (core.SP < lowest) lowest = core.SP;
      if (profile) {
        const owner = this.owner[(pc - FLASH) >> 1] ?? '?';
        spent.set(owner, (spent.get(owner) ?? 0) + core.cycles - before + extra);
      }
      if (core.cycles - start > maxCycles) throw new Error(`${name}: over ${maxCycles} cycles`);
    }
    const emulatorCycles = core.cycles - start - 1; // without the BKPT itself
    const result: CallResult = {
      result: core.registers[0]! | 0,
      unsigned: core.registers[0]!,
      cycles: emulatorCycles + corrections,
      emulatorCycles,
      instructions: instructions - 1,
      stackBytes: stack - lowest,
    };
    if (profile) result.profile = new Map([...spent].sort((a, b) => b[1] - a[1]));
    return result;
  }
}
