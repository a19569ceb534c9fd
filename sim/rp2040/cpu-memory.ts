/** The emulated RP2040's memory as its core sees it. */
import type { RP2040 } from 'rp2040js';

export const ROM_BYTES = 16 * 1024;
export const FLASH = 0x10000000;
export const SRAM = 0x20000000;
export const SRAM_BYTES = 264 * 1024;
export const APB = 0x40000000;

/** Something that the chip would answer with a hard fault, or a breakpoint. */
export class CpuStop extends Error {
  constructor(
    message: string,
    readonly pc: number,
    /** Number of the BKPT, if it was one. */
    readonly breakpoint?: number,
  ) {
    super(`${message} at 0x${pc.toString(16)}`);
  }
}

/** What the loop needs of its surroundings. */
export interface CpuHost {
  /** Brings the clock to `cycles` before a peripheral is touched. */
  synchronize(cycles: number): void;
  /** Whether reads in place work; false while the flash takes commands. */
  flashIsReadable: boolean;
}

export class CpuMemory {
  cycles = 0;
  /** The loop returns after the present instruction: something may have changed the schedule. */
  protected mustReturn = false;
  protected readonly sram16: Uint16Array;
  protected readonly rom16: Uint16Array;
  private readonly sram8: Uint8Array;
  private readonly sram32: Int32Array;
  private readonly flash8: Uint8Array;
  private readonly flash16: Uint16Array;
  private readonly flash32: Int32Array;
  private readonly rom8: Uint8Array;
  private readonly rom32: Int32Array;

  constructor(
    protected readonly chip: RP2040,
    protected readonly host: CpuHost,
    protected readonly flashBytes: number,
  ) {
    const { sram, flash, bootrom } = chip;
    this.sram8 = sram;
    this.sram16 = new Uint16Array(sram.buffer);
    this.sram32 = new Int32Array(sram.buffer);
    this.flash8 = flash;
    this.flash16 = chip.flash16;
    this.flash32 = new Int32Array(flash.buffer);
    this.rom8 = new Uint8Array(bootrom.buffer);
    this.rom16 = new Uint16Array(bootrom.buffer);
    this.rom32 = new Int32Array(bootrom.buffer);
  }

  protected stop(message: string, pc: number): never {
    throw new CpuStop(message, pc >>> 0);
  }

  // ---- Memory that is not plain: rare, slow ----

  private slowRead32(address: number, pc: number): number {
    const at = address >>> 0;
    if (at & 3) this.stop(`unaligned word read of 0x${at.toString(16)}`, pc);
    if (at < ROM_BYTES) return this.rom32[at >> 2]!;
    if (at >= FLASH && at < FLASH + this.flashBytes) {
      this.stop(`flash read at 0x${at.toString(16)} while it takes commands`, pc);
    }
    if (at < 0x14000000 || (at >= SRAM && at < APB)) {
      this.stop(`read of 0x${at.toString(16)}, where nothing is`, pc);
    }
    this.host.synchronize(this.cycles);
    const value = this.chip.readUint32(at) | 0;
    this.mustReturn = true;
    return value;
  }

  private slowRead16(address: number, pc: number): number {
    const at = address >>> 0;
    if (at & 1) this.stop(`unaligned half-word read of 0x${at.toString(16)}`, pc);
    if (at < ROM_BYTES) return this.rom16[at >> 1]!;
    const word = this.slowRead32(at & ~3, pc);
    return at & 2 ? word >>> 16 : word & 0xffff;
  }

  private slowRead8(address: number, pc: number): number {
    const at = address >>> 0;
    if (at < ROM_BYTES) return this.rom8[at]!;
    const word = this.slowRead32(at & ~3, pc);
    return (word >>> (8 * (at & 3))) & 0xff;
  }

  private slowWrite(address: number, value: number, bytes: number, pc: number): void {
    const at = address >>> 0;
    if (at & (bytes - 1)) this.stop(`unaligned write of 0x${at.toString(16)}`, pc);
    if (at < 0x14000000 || (at >= SRAM && at < APB)) {
      this.stop(`write to 0x${at.toString(16)}, where nothing can be written`, pc);
    }
    this.host.synchronize(this.cycles);
    this.mustReturn = true;
    if (bytes === 4) this.chip.writeUint32(at, value >>> 0);
    else if (bytes === 2) this.chip.writeUint16(at, value & 0xffff);
    else this.chip.writeUint8(at, value & 0xff);
  }

  protected read32(at: number, pc: number): number {
    const sram = (at - SRAM) >>> 0;
    if (sram < SRAM_BYTES && (sram & 3) === 0) return this.sram32[sram >> 2]!;
    const flash = (at - FLASH) >>> 0;
    if (flash < this.flashBytes && (flash & 3) === 0 && this.host.flashIsReadable) {
      return this.flash32[flash >> 2]!;
    }
    return this.slowRead32(at, pc);
  }

  protected read16(at: number, pc: number): number {
    const sram = (at - SRAM) >>> 0;
    if (sram < SRAM_BYTES && (sram & 1) === 0) return this.sram16[sram >> 1]!;
    const flash = (at - FLASH) >>> 0;
    if (flash < this.flashBytes && (flash & 1) === 0 && this.host.flashIsReadable) {
      return this.flash16[flash >> 1]!;
    }
    return this.slowRead16(at, pc);
  }

  protected read8(at: number, pc: number): number {
    const sram = (at - SRAM) >>> 0;
    if (sram < SRAM_BYTES) return this.sram8[sram]!;
    const flash = (at - FLASH) >>> 0;
    if (flash < this.flashBytes && this.host.flashIsReadable) return this.flash8[flash]!;
    return this.slowRead8(at, pc);
  }

  protected write32(at: number, value: number, pc: number): void {
    const sram = (at - SRAM) >>> 0;
    if (sram < SRAM_BYTES && (sram & 3) === 0) this.sram32[sram >> 2] = value;
    else this.slowWrite(at, value, 4, pc);
  }

  protected write16(at: number, value: number, pc: number): void {
    const sram = (at - SRAM) >>> 0;
    if (sram < SRAM_BYTES && (sram & 1) === 0) this.sram16[sram >> 1] = value;
    else this.slowWrite(at, value, 2, pc);
  }

  protected write8(at: number, value: number, pc: number): void {
    const sram = (at - SRAM) >>> 0;
    if (sram < SRAM_BYTES) this.sram8[sram] = value;
    else this.slowWrite(at, value, 1, pc);
  }
}
