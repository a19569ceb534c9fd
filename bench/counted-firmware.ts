/**
 * A firmware on an emulated core that counts, behind the interface of class Firmware: sim/training.ts
 * and sim/features.ts drive it as they drive the WebAssembly. What the cores share; where their memory
 * lies and where flash is, each says itself (rp2040/firmware.ts, rv32/firmware.ts).
 */
import type { CompiledModel } from '../compiler/compile.ts';
import { RetuneError } from '../cli/error.ts';
import { statusText, type FirmwareInterface } from '../sim/firmware.ts';

/** What an emulated core offers. */
export interface CountingMachine {
  readonly elf: { symbols: { has(name: string): boolean } };
  address(name: string): number;
  allocate(bytes: number): number;
  call(
    name: string,
    args?: number[],
    options?: { profile?: boolean },
  ): { result: number; cycles: number; stackBytes: number; profile?: Map<string, number> };
}

export abstract class CountedFirmware<M extends CountingMachine> implements FirmwareInterface {
  /** Deepest stack of all calls. */
  stackBytes = 0;
  /** Cycles (of RV32: instructions) of all calls. */
  cyclesSoFar = 0;
  /** Cycles of the longest call since longestCall() was asked. */
  private longest = 0;

  constructor(readonly machine: M) {}

  /** Puts a model's tables into flash, behind anything that the code could fill. */
  abstract placeModel(compiled: CompiledModel): number;

  /** The memory that `place` counts in. */
  protected abstract get buffer(): ArrayBufferLike;

  /** Where in the buffer an address lies; calls return addresses as signed numbers. */
  protected abstract place(address: number): number;

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

  /** Cycles by function of one call, which cyclesSoFar does not count. */
  profile(name: string, ...args: number[]): Map<string, number> {
    return this.machine.call(name, args, { profile: true }).profile ?? new Map<string, number>();
  }

  check(what: string, name: string, ...args: number[]): number {
    const status = this.call(name, ...args);
    if (status < 0) throw new RetuneError(`${what}: ${name}: ${statusText(status)}`);
    return status;
  }

  /** Cycles of the longest call since the last time it was asked. */
  protected longestCall(): number {
    const { longest } = this;
    this.longest = 0;
    return longest;
  }

  i8 = (at: number, length: number): Int8Array =>
    new Int8Array(this.buffer, this.place(at), length);
  u8 = (at: number, length: number): Uint8Array =>
    new Uint8Array(this.buffer, this.place(at), length);
  i16 = (at: number, length: number): Int16Array =>
    new Int16Array(this.buffer, this.place(at), length);
  i32 = (at: number, length: number): Int32Array =>
    new Int32Array(this.buffer, this.place(at), length);
  u32 = (at: number, length: number): Uint32Array =>
    new Uint32Array(this.buffer, this.place(at), length);
}
