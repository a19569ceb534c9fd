/**
 * All of native/ as machine code of RV32IMC, on the interpreted core, behind the interface of class
 * Firmware: as bench/rp2040/firmware.ts, so that every bench runs on either.
 */
import type { CompiledModel } from '../../compiler/compile.ts';
import { buildImage } from '../../compiler/emit-image.ts';
import { RetuneError } from '../../cli/error.ts';
import { statusText, type FirmwareInterface } from '../../sim/firmware.ts';
import { BASE, MODEL, Rv32Machine } from './machine.ts';

export class Rv32Firmware implements FirmwareInterface {
  readonly machine: Rv32Machine;
  /** Deepest stack of all calls. */
  stackBytes = 0;
  /** Instructions of all calls. */
  cyclesSoFar = 0;

  /** @param elf an image of buildRv32Image(engineSources(), …) */
  constructor(elf: string) {
    this.machine = Rv32Machine.load(elf);
  }

  /** Puts a model's tables where flash would be. */
  placeModel({ description }: CompiledModel): number {
    this.machine.write(buildImage(description, MODEL).bytes, MODEL);
    return MODEL;
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
    this.stackBytes = Math.max(this.stackBytes, stackBytes);
    return result;
  }

  /** Instructions by function of one call, which cyclesSoFar does not count. */
  profile(name: string, ...args: number[]): Map<string, number> {
    return this.machine.call(name, args, { profile: true }).profile ?? new Map<string, number>();
  }

  check(what: string, name: string, ...args: number[]): number {
    const status = this.call(name, ...args);
    if (status < 0) throw new RetuneError(`${what}: ${name}: ${statusText(status)}`);
    return status;
  }

  private get buffer(): ArrayBuffer {
    return this.machine.buffer;
  }

  i8 = (at: number, length: number): Int8Array =>
    new Int8Array(this.buffer, (at >>> 0) - BASE, length);
  u8 = (at: number, length: number): Uint8Array =>
    new Uint8Array(this.buffer, (at >>> 0) - BASE, length);
  i16 = (at: number, length: number): Int16Array =>
    new Int16Array(this.buffer, (at >>> 0) - BASE, length);
  i32 = (at: number, length: number): Int32Array =>
    new Int32Array(this.buffer, (at >>> 0) - BASE, length);
  u32 = (at: number, length: number): Uint32Array =>
    new Uint32Array(this.buffer, (at >>> 0) - BASE, length);
}
