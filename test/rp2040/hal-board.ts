/** An emulated board whose firmware is the HAL alone, for calling its functions. */
import { join } from 'node:path';
import { readBoard, type Board } from '../../compiler/board.ts';
import { buildFirmware, type Firmware } from '../../compiler/firmware.ts';
import { cFiles, projectRoot, scratchFolder } from '../../compiler/toolchain.ts';
import { bootRom } from '../../sim/rp2040/bootrom.ts';
import { Rp2040Board, type MachineOptions } from '../../sim/rp2040/machine.ts';

export const MS = 1_000_000;
export const OK = 0;
export const ERROR_ARGUMENT = -10;
export const ERROR_STATE = -11;
export const ERROR_EMPTY = -13;

export const board: Board = readBoard(join(projectRoot, 'boards/rp2040_pico.board.json'));

/** Links the HAL with one of the programs beside this file. */
export function buildHal(program: string): Promise<Firmware> {
  const hal = cFiles('native/hal/rp2040').filter((file) => !file.endsWith('/main.c'));
  const sources = [...hal, 'native/hal/libc.c', `test/rp2040/programs/${program}.c`];
  const outDir = scratchFolder(`firmware-${program}`);
  return buildFirmware({ board, modules: [], sources, outDir });
}

/** A board, switched on, with functions and variables by name. */
export class HalBoard {
  readonly machine: Rp2040Board;
  uart = '';

  static async create(
    firmware: Firmware,
    options: Partial<MachineOptions> = {},
  ): Promise<HalBoard> {
    return new HalBoard(firmware, await bootRom(), options);
  }

  private constructor(
    readonly firmware: Firmware,
    rom: Uint32Array,
    options: Partial<MachineOptions>,
  ) {
    this.machine = new Rp2040Board({ rom, image: firmware.image, ...options });
    this.machine.onUart = (byte) => (this.uart += String.fromCharCode(byte));
  }

  /** Runs until the firmware says so on the UART. */
  start(word = 'up\n'): this {
    if (!this.machine.runUntil(() => this.uart.includes(word), 200 * MS)) {
      throw new Error(`the firmware says ${JSON.stringify(this.uart)}`);
    }
    return this;
  }

  address(name: string): number {
    const symbol = this.firmware.symbols.get(name);
    if (symbol === undefined) throw new Error(`the image has no ${name}`);
    return symbol.address;
  }

  /** Has the firmware call a function; its result as a signed number. */
  call(name: string, ...args: number[]): number {
    return (this.machine.invoke(this.address(name), ...args) ?? NaN) | 0;
  }

  get shared(): number {
    return this.address('shared');
  }

  /** Puts bytes into memory that the firmware leaves alone; returns where. */
  put(bytes: ArrayLike<number>, offset = 0): number {
    this.machine.chip.sram.set(Array.from(bytes), this.shared - 0x20000000 + offset);
    return this.shared + offset;
  }

  get(bytes: number, offset = 0): Uint8Array {
    return this.machine.read(this.shared + offset, bytes);
  }

  setVariable(name: string, value: number): void {
    this.machine.chip.sramView.setUint32(this.address(name) - 0x20000000, value, true);
  }

  /** What the flash holds, at an offset from its start. */
  flash(offset: number, bytes: number): Uint8Array {
    return this.machine.flash.data.slice(offset, offset + bytes);
  }
}
