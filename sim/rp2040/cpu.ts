/* eslint-disable max-lines -- one loop over all instructions */
/**
 * The Cortex-M0+ of the emulated RP2040: rp2040js's state and exceptions with an instruction loop of
 * our own. It is several times as fast, follows the manual where rp2040js's cycles or flags do not
 * (docs/rp2040.md lists them), and stops at what the chip answers with a hard fault.
 *
 * Registers and flags live in local variables of `run` while plain code runs. Before anything else
 * sees them (peripherals, exceptions) they are written back.
 */
import type { RP2040 } from 'rp2040js';
import {
  APB,
  CpuMemory,
  CpuStop,
  FLASH,
  ROM_BYTES,
  SRAM,
  SRAM_BYTES,
  type CpuHost,
} from './cpu-memory.ts';

export { CpuStop, FLASH, type CpuHost } from './cpu-memory.ts';

const AHB = 0x50000000;
const SIO = 0xd0000000;

/** Cycles of taking an exception and of coming back, as the manual gives them. */
const ENTRY_CYCLES = 15;
const RETURN_CYCLES = 13;

export class Cpu extends CpuMemory {
  /** Instructions since the start. */
  instructions = 0;
  /** Lowest stack pointer since somebody set it. */
  lowestStack = 0xffffffff;
  private readonly core: RP2040['core'];
  private readonly r: Int32Array;

  constructor(chip: RP2040, host: CpuHost, flashBytes: number) {
    super(chip, host, flashBytes);
    this.core = chip.core;
    this.r = new Int32Array(chip.core.registers.buffer);
    chip.core.setInterrupt = (irq, value) => this.setInterrupt(irq, value);
  }

  /** A level of an interrupt line. WFI ends even with interrupts masked; then none is taken. */
  private setInterrupt(irq: number, value: boolean): void {
    const { core } = this;
    const bit = 1 << irq;
    if (!value) {
      core.pendingInterrupts &= ~bit;
      return;
    }
    if (core.pendingInterrupts & bit) return;
    core.pendingInterrupts |= bit;
    core.interruptsUpdated = true;
    this.mustReturn = true;
    if (core.enabledInterrupts & bit) core.waiting = false;
  }

  private get hasPending(): boolean {
    const { core } = this;
    return (core.pendingInterrupts & core.enabledInterrupts) !== 0 || core.pendingSystick;
  }

  /** Ends the loop after the present instruction. */
  interrupt(): void {
    this.mustReturn = true;
  }

  /** Cycles of a load or store beyond its first. */
  private static access(address: number, isWrite: boolean): number {
    const at = address >>> 0;
    if (at < APB) return 1;
    if (at >= SIO && at < 0xe0000000) return 0;
    if (at < AHB) return isWrite ? 4 : 3;
    return 1;
  }

  private condition(code: number, nz: number, c: boolean, v: boolean): boolean {
    switch (code) {
      case 0:
        return nz === 0;
      case 1:
        return nz !== 0;
      case 2:
        return c;
      case 3:
        return !c;
      case 4:
        return nz < 0;
      case 5:
        return nz >= 0;
      case 6:
        return v;
      case 7:
        return !v;
      case 8:
        return c && nz !== 0;
      case 9:
        return !c || nz === 0;
      case 10:
        return nz < 0 === v;
      case 11:
        return nz < 0 !== v;
      case 12:
        return nz !== 0 && nz < 0 === v;
      default:
        return nz === 0 || nz < 0 !== v;
    }
  }

  /** An instruction that is not in flash, or in flash that is not plainly readable. */
  protected fetch(pc: number): number {
    const sram = (pc - SRAM) >>> 0;
    if (sram < SRAM_BYTES) return this.sram16[sram >> 1]!;
    if (pc >>> 0 < ROM_BYTES) return this.rom16[pc >> 1]!;
    return this.stop('no instructions here', pc);
  }

  /**
   * Runs instructions until `cycles` reaches `limit`, the core waits for an interrupt, or a
   * peripheral was touched. Throws CpuStop.
   */
  run(limit: number): void {
    const { core, r, flashBytes, host } = this;
    const { flash16 } = this.chip;
    let nz = core.Z ? 0 : core.N ? -1 : 1;
    let c = core.C;
    let v = core.V;
    let cycles = this.cycles;
    let count = 0;
    this.mustReturn = false;

    while (cycles < limit && !this.mustReturn && !core.waiting) {
      if (core.interruptsUpdated) {
        core.N = nz < 0;
        core.Z = nz === 0;
        core.C = c;
        core.V = v;
        if (core.checkForInterrupts()) {
          cycles += ENTRY_CYCLES;
          r[15] = r[15]! & ~1;
        }
      }
      const pc = r[15]!;
      const inFlash = (pc - FLASH) >>> 0;
      const op =
        inFlash < flashBytes && host.flashIsReadable ? flash16[inFlash >> 1]! : this.fetch(pc);
      r[15] = pc + 2;
      cycles += 1;
      count += 1;
      const d = op & 7;
      const m = (op >> 3) & 7;

      switch (op >> 9) {
        // LSLS, LSRS, ASRS by a constant
        case 0x00:
        case 0x01:
        case 0x02:
        case 0x03: {
          const n = (op >> 6) & 31;
          const x = r[m]!;
          if (n !== 0) c = ((x >>> (32 - n)) & 1) !== 0;
          r[d] = nz = x << n;
          break;
        }
        case 0x04:
        case 0x05:
        case 0x06:
        case 0x07: {
          const n = (op >> 6) & 31;
          const x = r[m]!;
          c = ((x >>> (n === 0 ? 31 : n - 1)) & 1) !== 0;
          r[d] = nz = n === 0 ? 0 : (x >>> n) | 0;
          break;
        }
        case 0x08:
        case 0x09:
        case 0x0a:
        case 0x0b: {
          const n = (op >> 6) & 31;
          const x = r[m]!;
          c = ((x >>> (n === 0 ? 31 : n - 1)) & 1) !== 0;
          r[d] = nz = x >> (n === 0 ? 31 : n);
          break;
        }
        // ADDS, SUBS of three registers or with 3 bits
        case 0x0c:
        case 0x0e: {
          const a = r[m]!;
          const b = op & 0x400 ? (op >> 6) & 7 : r[(op >> 6) & 7]!;
          const x = (a + b) | 0;
          c = x >>> 0 < a >>> 0;
          v = ((a ^ x) & (b ^ x)) < 0;
          r[d] = nz = x;
          break;
        }
        case 0x0d:
        case 0x0f: {
          const a = r[m]!;
          const b = op & 0x400 ? (op >> 6) & 7 : r[(op >> 6) & 7]!;
          const x = (a - b) | 0;
          c = a >>> 0 >= b >>> 0;
          v = ((a ^ b) & (a ^ x)) < 0;
          r[d] = nz = x;
          break;
        }
        // MOVS, CMP, ADDS, SUBS with 8 bits
        case 0x10:
        case 0x11:
        case 0x12:
        case 0x13:
          r[(op >> 8) & 7] = nz = op & 255;
          break;
        case 0x14:
        case 0x15:
        case 0x16:
        case 0x17: {
          const a = r[(op >> 8) & 7]!;
          const b = op & 255;
          const x = (a - b) | 0;
          c = a >>> 0 >= b;
          v = ((a ^ b) & (a ^ x)) < 0;
          nz = x;
          break;
        }
        case 0x18:
        case 0x19:
        case 0x1a:
        case 0x1b: {
          const a = r[(op >> 8) & 7]!;
          const b = op & 255;
          const x = (a + b) | 0;
          c = x >>> 0 < a >>> 0;
          v = ((a ^ x) & (b ^ x)) < 0;
          r[(op >> 8) & 7] = nz = x;
          break;
        }
        case 0x1c:
        case 0x1d:
        case 0x1e:
        case 0x1f: {
          const a = r[(op >> 8) & 7]!;
          const b = op & 255;
          const x = (a - b) | 0;
          c = a >>> 0 >= b;
          v = ((a ^ b) & (a ^ x)) < 0;
          r[(op >> 8) & 7] = nz = x;
          break;
        }
        // Data processing of two low registers
        case 0x20:
        case 0x21: {
          const a = r[d]!;
          const b = r[m]!;
          switch ((op >> 6) & 15) {
            case 0:
              r[d] = nz = a & b;
              break;
            case 1:
              r[d] = nz = a ^ b;
              break;
            case 2: {
              const n = b & 255;
              if (n !== 0) c = n <= 32 && ((a >>> (32 - n)) & 1) !== 0;
              r[d] = nz = n < 32 ? a << n : 0;
              break;
            }
            case 3: {
              const n = b & 255;
              if (n !== 0) c = n <= 32 && ((a >>> (n - 1)) & 1) !== 0;
              r[d] = nz = n < 32 ? (a >>> n) | 0 : 0;
              break;
            }
            case 4: {
              const n = b & 255;
              if (n !== 0) c = ((a >> (n <= 32 ? n - 1 : 31)) & 1) !== 0;
              r[d] = nz = a >> (n < 32 ? n : 31);
              break;
            }
            case 5: {
              const sum = (a >>> 0) + (b >>> 0) + (c ? 1 : 0);
              const x = sum | 0;
              c = sum > 0xffffffff;
              v = ((a ^ x) & (b ^ x)) < 0;
              r[d] = nz = x;
              break;
            }
            case 6: {
              const difference = (a >>> 0) - (b >>> 0) - (c ? 0 : 1);
              const x = difference | 0;
              c = difference >= 0;
              v = ((a ^ b) & (a ^ x)) < 0;
              r[d] = nz = x;
              break;
            }
            case 7: {
              const n = b & 255;
              const turn = n & 31;
              const x = turn === 0 ? a : (a >>> turn) | (a << (32 - turn));
              if (n !== 0) c = x < 0;
              r[d] = nz = x;
              break;
            }
            case 8:
              nz = a & b;
              break;
            case 9: {
              const x = (0 - b) | 0;
              c = b === 0;
              v = (b & x) < 0;
              r[d] = nz = x;
              break;
            }
            case 10: {
              const x = (a - b) | 0;
              c = a >>> 0 >= b >>> 0;
              v = ((a ^ b) & (a ^ x)) < 0;
              nz = x;
              break;
            }
            case 11: {
              const x = (a + b) | 0;
              c = x >>> 0 < a >>> 0;
              v = ((a ^ x) & (b ^ x)) < 0;
              nz = x;
              break;
            }
            case 12:
              r[d] = nz = a | b;
              break;
            case 13:
              r[d] = nz = Math.imul(a, b);
              break;
            case 14:
              r[d] = nz = a & ~b;
              break;
            default:
              r[d] = nz = ~b;
          }
          break;
        }
        // High registers; BX, BLX
        case 0x22:
        case 0x23: {
          const high = (op & 7) | ((op >> 4) & 8);
          const from = (op >> 3) & 15;
          const b = from === 15 ? pc + 4 : r[from]!;
          switch ((op >> 8) & 3) {
            case 0: {
              const x = ((high === 15 ? pc + 4 : r[high]!) + b) | 0;
              if (high === 15) cycles += 1;
              r[high] = high === 15 ? x & ~1 : high === 13 ? x & ~3 : x;
              if (high === 13 && x < this.lowestStack) this.lowestStack = x & ~3;
              break;
            }
            case 1: {
              const a = high === 15 ? pc + 4 : r[high]!;
              const x = (a - b) | 0;
              c = a >>> 0 >= b >>> 0;
              v = ((a ^ b) & (a ^ x)) < 0;
              nz = x;
              break;
            }
            case 2:
              if (high === 15) cycles += 1;
              r[high] = high === 15 ? b & ~1 : high === 13 ? b & ~3 : b;
              if (high === 13 && b < this.lowestStack) this.lowestStack = b & ~3;
              break;
            default:
              cycles += 1;
              if (op & 0x80) {
                r[14] = (pc + 2) | 1;
                if ((b & 1) === 0) this.stop('call of an address without the Thumb bit', pc);
                r[15] = b & ~1;
              } else if (b >>> 28 === 15 && core.IPSR !== 0) {
                core.BXWritePC(b >>> 0);
                r[15] = r[15]! & ~1;
                cycles += RETURN_CYCLES - 2;
                nz = core.Z ? 0 : core.N ? -1 : 1;
                c = core.C;
                v = core.V;
              } else {
                if ((b & 1) === 0) this.stop('jump to an address without the Thumb bit', pc);
                r[15] = b & ~1;
              }
          }
          break;
        }
        // LDR from behind the code
        case 0x24:
        case 0x25:
        case 0x26:
        case 0x27:
          cycles += 1;
          r[(op >> 8) & 7] = this.read32(((pc + 4) & ~3) + ((op & 255) << 2), pc);
          break;
        // Loads and stores with two registers
        case 0x28: {
          const at = (r[m]! + r[(op >> 6) & 7]!) | 0;
          cycles += Cpu.access(at, true);
          this.cycles = cycles;
          this.write32(at, r[d]!, pc);
          break;
        }
        case 0x29: {
          const at = (r[m]! + r[(op >> 6) & 7]!) | 0;
          cycles += Cpu.access(at, true);
          this.cycles = cycles;
          this.write16(at, r[d]!, pc);
          break;
        }
        case 0x2a: {
          const at = (r[m]! + r[(op >> 6) & 7]!) | 0;
          cycles += Cpu.access(at, true);
          this.cycles = cycles;
          this.write8(at, r[d]!, pc);
          break;
        }
        case 0x2b: {
          const at = (r[m]! + r[(op >> 6) & 7]!) | 0;
          cycles += Cpu.access(at, false);
          this.cycles = cycles;
          r[d] = (this.read8(at, pc) << 24) >> 24;
          break;
        }
        case 0x2c: {
          const at = (r[m]! + r[(op >> 6) & 7]!) | 0;
          cycles += Cpu.access(at, false);
          this.cycles = cycles;
          r[d] = this.read32(at, pc);
          break;
        }
        case 0x2d: {
          const at = (r[m]! + r[(op >> 6) & 7]!) | 0;
          cycles += Cpu.access(at, false);
          this.cycles = cycles;
          r[d] = this.read16(at, pc);
          break;
        }
        case 0x2e: {
          const at = (r[m]! + r[(op >> 6) & 7]!) | 0;
          cycles += Cpu.access(at, false);
          this.cycles = cycles;
          r[d] = this.read8(at, pc);
          break;
        }
        case 0x2f: {
          const at = (r[m]! + r[(op >> 6) & 7]!) | 0;
          cycles += Cpu.access(at, false);
          this.cycles = cycles;
          r[d] = (this.read16(at, pc) << 16) >> 16;
          break;
        }
        // Loads and stores with a constant
        case 0x30:
        case 0x31:
        case 0x32:
        case 0x33: {
          const at = (r[m]! + ((op >> 4) & 0x7c)) | 0;
          cycles += Cpu.access(at, true);
          this.cycles = cycles;
          this.write32(at, r[d]!, pc);
          break;
        }
        case 0x34:
        case 0x35:
        case 0x36:
        case 0x37: {
          const at = (r[m]! + ((op >> 4) & 0x7c)) | 0;
          cycles += Cpu.access(at, false);
          this.cycles = cycles;
          r[d] = this.read32(at, pc);
          break;
        }
        case 0x38:
        case 0x39:
        case 0x3a:
        case 0x3b: {
          const at = (r[m]! + ((op >> 6) & 31)) | 0;
          cycles += Cpu.access(at, true);
          this.cycles = cycles;
          this.write8(at, r[d]!, pc);
          break;
        }
        case 0x3c:
        case 0x3d:
        case 0x3e:
        case 0x3f: {
          const at = (r[m]! + ((op >> 6) & 31)) | 0;
          cycles += Cpu.access(at, false);
          this.cycles = cycles;
          r[d] = this.read8(at, pc);
          break;
        }
        case 0x40:
        case 0x41:
        case 0x42:
        case 0x43: {
          const at = (r[m]! + ((op >> 5) & 0x3e)) | 0;
          cycles += Cpu.access(at, true);
          this.cycles = cycles;
          this.write16(at, r[d]!, pc);
          break;
        }
        case 0x44:
        case 0x45:
        case 0x46:
        case 0x47: {
          const at = (r[m]! + ((op >> 5) & 0x3e)) | 0;
          cycles += Cpu.access(at, false);
          this.cycles = cycles;
          r[d] = this.read16(at, pc);
          break;
        }
        case 0x48:
        case 0x49:
        case 0x4a:
        case 0x4b:
          cycles += 1;
          this.write32((r[13]! + ((op & 255) << 2)) | 0, r[(op >> 8) & 7]!, pc);
          break;
        case 0x4c:
        case 0x4d:
        case 0x4e:
        case 0x4f:
          cycles += 1;
          r[(op >> 8) & 7] = this.read32((r[13]! + ((op & 255) << 2)) | 0, pc);
          break;
        // ADR; ADD of the stack pointer
        case 0x50:
        case 0x51:
        case 0x52:
        case 0x53:
          r[(op >> 8) & 7] = ((pc + 4) & ~3) + ((op & 255) << 2);
          break;
        case 0x54:
        case 0x55:
        case 0x56:
        case 0x57:
          r[(op >> 8) & 7] = r[13]! + ((op & 255) << 2);
          break;
        case 0x58:
          r[13] = op & 0x80 ? r[13]! - ((op & 127) << 2) : r[13]! + ((op & 127) << 2);
          if (r[13]! < this.lowestStack) this.lowestStack = r[13]!;
          break;
        // Sign and zero extension
        case 0x59: {
          const x = r[m]!;
          switch ((op >> 6) & 7) {
            case 0:
              r[d] = (x << 16) >> 16;
              break;
            case 1:
              r[d] = (x << 24) >> 24;
              break;
            case 2:
              r[d] = x & 0xffff;
              break;
            case 3:
              r[d] = x & 255;
              break;
            default:
              this.stop(`unknown instruction 0x${op.toString(16)}`, pc);
          }
          break;
        }
        // PUSH, POP
        case 0x5a: {
          let at = r[13]!;
          if (op & 0x100) {
            at -= 4;
            cycles += 1;
            this.write32(at, r[14]!, pc);
          }
          for (let i = 7; i >= 0; i--) {
            if ((op & (1 << i)) === 0) continue;
            at -= 4;
            cycles += 1;
            this.write32(at, r[i]!, pc);
          }
          r[13] = at;
          if (at < this.lowestStack) this.lowestStack = at;
          break;
        }
        case 0x5e: {
          let at = r[13]!;
          for (let i = 0; i < 8; i++) {
            if ((op & (1 << i)) === 0) continue;
            r[i] = this.read32(at, pc);
            at += 4;
            cycles += 1;
          }
          if (op & 0x100) {
            const to = this.read32(at, pc);
            at += 4;
            cycles += 3;
            r[13] = at;
            if (to >>> 28 === 15 && core.IPSR !== 0) {
              core.BXWritePC(to >>> 0);
              r[15] = r[15]! & ~1;
              cycles += RETURN_CYCLES - 4;
              nz = core.Z ? 0 : core.N ? -1 : 1;
              c = core.C;
              v = core.V;
            } else {
              if ((to & 1) === 0) this.stop('return to an address without the Thumb bit', pc);
              r[15] = to & ~1;
            }
            break;
          }
          r[13] = at;
          break;
        }
        // CPSIE, CPSID; REV
        case 0x5b:
          if (op === 0xb672) core.PM = true;
          else if (op === 0xb662) {
            core.PM = false;
            core.interruptsUpdated = true;
          } else this.stop(`unknown instruction 0x${op.toString(16)}`, pc);
          break;
        case 0x5d: {
          const x = r[m]!;
          const swapped = ((x >>> 8) & 0x00ff00ff) | ((x << 8) & 0xff00ff00);
          const kind = (op >> 6) & 7;
          if (kind === 0) r[d] = (swapped >>> 16) | (swapped << 16);
          else if (kind === 1) r[d] = swapped;
          else if (kind === 3) r[d] = (swapped << 16) >> 16;
          else this.stop(`unknown instruction 0x${op.toString(16)}`, pc);
          break;
        }
        // BKPT; NOP, WFI, …
        case 0x5f:
          if (op >> 8 === 0xbe) {
            this.cycles = cycles - 1;
            r[15] = pc;
            core.N = nz < 0;
            core.Z = nz === 0;
            core.C = c;
            core.V = v;
            throw new CpuStop('breakpoint', pc >>> 0, op & 255);
          }
          if (op === 0xbf30 || op === 0xbf20) {
            cycles += 1;
            core.waiting = op === 0xbf20 && core.eventRegistered ? false : !this.hasPending;
            if (op === 0xbf20) core.eventRegistered = false;
          } else if (op === 0xbf40) core.eventRegistered = true;
          break;
        // STM, LDM
        case 0x60:
        case 0x61:
        case 0x62:
        case 0x63: {
          const base = (op >> 8) & 7;
          let at = r[base]!;
          this.cycles = cycles;
          for (let i = 0; i < 8; i++) {
            if ((op & (1 << i)) === 0) continue;
            this.write32(at, r[i]!, pc);
            at += 4;
            cycles += 1;
          }
          r[base] = at;
          break;
        }
        case 0x64:
        case 0x65:
        case 0x66:
        case 0x67: {
          const base = (op >> 8) & 7;
          let at = r[base]!;
          this.cycles = cycles;
          for (let i = 0; i < 8; i++) {
            if ((op & (1 << i)) === 0) continue;
            r[i] = this.read32(at, pc);
            at += 4;
            cycles += 1;
          }
          if ((op & (1 << base)) === 0) r[base] = at;
          break;
        }
        // Branches
        case 0x68:
        case 0x69:
        case 0x6a:
        case 0x6b:
        case 0x6c:
        case 0x6d:
        case 0x6e:
          if (this.condition((op >> 8) & 15, nz, c, v)) {
            r[15] = pc + 4 + ((op << 24) >> 23);
            cycles += 1;
          }
          break;
        case 0x6f:
          this.stop(`undefined instruction 0x${op.toString(16)}`, pc);
          break;
        case 0x70:
        case 0x71:
        case 0x72:
        case 0x73:
          r[15] = pc + 4 + ((op << 21) >> 20);
          cycles += 1;
          break;
        case 0x78:
        case 0x79:
        case 0x7a:
        case 0x7b: {
          const low = this.read16(pc + 2, pc);
          if ((low & 0xd000) === 0xd000) {
            const s = (op >> 10) & 1;
            const i1 = 1 ^ s ^ ((low >> 13) & 1);
            const i2 = 1 ^ s ^ ((low >> 11) & 1);
            const offset =
              (s ? 0xff000000 : 0) |
              (i1 << 23) |
              (i2 << 22) |
              ((op & 0x3ff) << 12) |
              ((low & 0x7ff) << 1);
            r[14] = (pc + 4) | 1;
            r[15] = pc + 4 + offset;
            cycles += 2;
            break;
          }
          this.cycles = cycles;
          core.N = nz < 0;
          core.Z = nz === 0;
          core.C = c;
          core.V = v;
          this.special(op, low, pc);
          r[15] = pc + 4;
          cycles += 2;
          nz = core.Z ? 0 : core.N ? -1 : 1;
          c = core.C;
          v = core.V;
          break;
        }
        default:
          this.stop(`unknown instruction 0x${op.toString(16)}`, pc);
      }
    }

    this.cycles = cycles;
    this.instructions += count;
    core.N = nz < 0;
    core.Z = nz === 0;
    core.C = c;
    core.V = v;
  }

  /** MRS, MSR and barriers. */
  private special(op: number, low: number, pc: number): void {
    const { core, r } = this;
    if (op === 0xf3ef && low >> 12 === 8) {
      r[(low >> 8) & 15] = core.readSpecialRegister(low & 255) | 0;
    } else if (op >> 4 === 0xf38 && low >> 8 === 0x88) {
      core.writeSpecialRegister(low & 255, r[op & 15]! >>> 0);
    } else if (op !== 0xf3bf || (low & 0xff00) !== 0x8f00) {
      this.stop(`unknown instruction 0x${op.toString(16)}${low.toString(16)}`, pc);
    }
  }
}
