/**
 * What the RP2040's flash cache would add: an estimate from the addresses that the core reads.
 *
 * The cache has 16 KB in two ways of lines of 8 bytes, and a hit costs nothing (RP2040 datasheet,
 * 2.6.3.1 XIP Cache and 2.6.3.2, which flushes 16 KB / 8 bytes per line / 2 ways in 1024 cycles).
 * Which of the two ways is replaced the datasheet does not say: the one that was not used last, it
 * is assumed here.
 *
 * A miss reads a line over four data lines with the settings of our second stage
 * (native/hal/rp2040/boot2.c: command EBh in continuous read mode, half of the system clock): 6
 * clocks of address, 2 of mode bits, 4 dummy, 16 of data (64 bits), 28 in all, 56 cycles of the
 * core. LATENCY is assumed for chip select and for handing over between the two clocks. The core
 * waits for the whole of it. Instructions are read as words of two, without prefetch past a branch.
 */
import { Cpu, FLASH } from '../../sim/rp2040/cpu.ts';

const LINE_BYTES = 8;
const WAYS = 2;
const SETS = (16 * 1024) / LINE_BYTES / WAYS;
const SERIAL_CLOCKS = 6 + 2 + 4 + 16;
const CLOCK_DIVIDER = 2;
const LATENCY = 8;
/** Cycles of the core that a miss costs. */
export const MISS_CYCLES = SERIAL_CLOCKS * CLOCK_DIVIDER + LATENCY;

/** The cache: which lines it holds. */
export class XipCache {
  misses = 0;
  /** Two lines a set, the one used last first; -1: none. */
  private readonly lines = new Int32Array(WAYS * SETS).fill(-1);

  /** A read of a byte, half-word or word in flash. @param offset from the start of flash */
  access(offset: number): void {
    const line = Math.floor(offset / LINE_BYTES);
    const at = WAYS * (line % SETS);
    const { lines } = this;
    if (lines[at] === line) return;
    if (lines[at + 1] !== line) this.misses += 1;
    lines[at + 1] = lines[at]!;
    lines[at] = line;
  }
}

/** A core whose reads of flash go through the cache. Slower; the cycles are the same. */
export class XipCpu extends Cpu {
  readonly cache = new XipCache();

  private inFlash(address: number): number {
    const offset = (address - FLASH) >>> 0;
    return offset < this.flashBytes ? offset : -1;
  }

  protected override fetch(pc: number): number {
    const offset = this.inFlash(pc);
    if (offset < 0) return super.fetch(pc);
    this.cache.access(offset);
    return this.chip.flash16[offset >> 1]!;
  }

  protected override read32(at: number, pc: number): number {
    const offset = this.inFlash(at);
    if (offset < 0 || (offset & 3) !== 0) return super.read32(at, pc);
    this.cache.access(offset);
    return this.chip.flashView.getInt32(offset, true);
  }

  protected override read16(at: number, pc: number): number {
    const offset = this.inFlash(at);
    if (offset < 0 || (offset & 1) !== 0) return super.read16(at, pc);
    this.cache.access(offset);
    return this.chip.flash16[offset >> 1]!;
  }

  protected override read8(at: number, pc: number): number {
    const offset = this.inFlash(at);
    if (offset < 0) return super.read8(at, pc);
    this.cache.access(offset);
    return this.chip.flash[offset]!;
  }
}
