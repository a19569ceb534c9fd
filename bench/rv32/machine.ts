/**
 * A RISC-V core (RV32IMC, as the ESP32-C3's) that calls single functions of a bare image and counts
 * instructions. Written out here and not taken from QEMU, so that the bench needs nothing installed
 * and runs step by step with the TypeScript around it; test/rv32 holds its counts and results
 * against QEMU's, call by call.
 *
 * What is counted is instructions, as minstret does: no pipeline, no wait for flash. Unaligned
 * access, memory that is not there and illegal instructions throw with the address.
 */
import { readFileSync } from 'node:fs';
import { readElf, type Elf } from '../../compiler/elf.ts';
import { decode, OP } from './decode.ts';

/** Memory of bench/rv32/link.ld: code and constants first, then variables, then what is allocated. */
export const BASE = 0x80000000;
export const MEMORY_BYTES = 8 << 20;
/** Where a model's tables go: behind anything that an image could fill, as flash would hold them. */
export const MODEL = BASE + 0x400000;
const STACK_TOP = BASE + 0x400000 - 16;

export interface CallResult {
  /** a0 after the call, as a signed and an unsigned number. */
  result: number;
  unsigned: number;
  /** Instructions from the function's first to its return, both counted. */
  instructions: number;
  /** The same: what a bench compares on this core. */
  cycles: number;
  /** Bytes of stack used below the caller's. */
  stackBytes: number;
  /** Instructions inside each function itself (not in what it calls), if asked for. */
  profile?: Map<string, number>;
}

export interface CallOptions {
  profile?: boolean;
  /** Gives up with an error after so many instructions; default 2^32. */
  maxCycles?: number;
}

/** What ends a call: the return address that functions are given. */
const STOP = 46;
/** Writes to x0 go here. */
const NOWHERE = 32;

/** Upper word of a signed product. */
function mulh(a: number, b: number): number {
  const ah = a >> 16;
  const bh = b >> 16;
  const al = a & 0xffff;
  const bl = b & 0xffff;
  const middle = ah * bl + Math.floor((al * bl) / 65536);
  const lower = middle - Math.floor(middle / 65536) * 65536 + al * bh;
  return (ah * bh + Math.floor(middle / 65536) + Math.floor(lower / 65536)) | 0;
}

const mulhsu = (a: number, b: number): number => (mulh(a, b) + (b < 0 ? a : 0)) | 0;
const mulhu = (a: number, b: number): number => (mulhsu(a, b) + (a < 0 ? b : 0)) | 0;

/** Division as the M extension defines it: by zero gives -1 and the dividend. */
function divide(op: number, a: number, b: number): number {
  const isUnsigned = op === OP.DIVU || op === OP.REMU;
  const [n, d] = isUnsigned ? [a >>> 0, b >>> 0] : [a, b];
  if (op === OP.DIV || op === OP.DIVU) return d === 0 ? -1 : Math.trunc(n / d) | 0;
  return d === 0 ? n | 0 : (n % d) | 0;
}

export class Rv32Machine {
  private readonly memory = new ArrayBuffer(MEMORY_BYTES);
  private readonly bytes = new Uint8Array(this.memory);
  private readonly x = new Int32Array(33);
  private readonly codeStart: number;
  private readonly codeEnd: number;
  private readonly ops: Uint8Array;
  private readonly rd: Uint8Array;
  private readonly rs1: Uint8Array;
  private readonly rs2: Uint8Array;
  private readonly imm: Int32Array;
  private readonly size: Uint8Array;
  private readonly owner: string[] = [];
  private heap: number;

  constructor(readonly elf: Elf) {
    for (const { address, bytes } of elf.segments) this.bytes.set(bytes, address - BASE);
    const text = elf.sections.find(({ name }) => name === '.text');
    if (!text) throw new Error('the image has no section .text');
    this.codeStart = text.address - BASE;
    this.codeEnd = this.codeStart + text.size;
    const count = (text.size >> 1) + 1;
    this.ops = new Uint8Array(count);
    this.rd = new Uint8Array(count);
    this.rs1 = new Uint8Array(count);
    this.rs2 = new Uint8Array(count);
    this.size = new Uint8Array(count);
    this.imm = new Int32Array(count);
    this.predecode();
    this.heap = this.address('__heap_start');
    for (const [name, { address, size, isFunction }] of elf.symbols) {
      const at = address - text.address;
      if (!isFunction || at < 0 || at >= text.size) continue;
      for (let i = at; i < at + size; i += 2) this.owner[i >> 1] = name;
    }
  }

  static load(path: string): Rv32Machine {
    return new Rv32Machine(readElf(readFileSync(path)));
  }

  /** Every place where an instruction could start, whether one does or not. */
  private predecode(): void {
    const code = new DataView(this.memory, this.codeStart, this.codeEnd - this.codeStart);
    for (let at = 0; at + 2 <= code.byteLength; at += 2) {
      const { op, rd, rs1, rs2, imm, bytes } = decode(code, at);
      const i = at >> 1;
      this.ops[i] = op;
      this.rd[i] = rd === 0 ? NOWHERE : rd;
      this.rs1[i] = rs1;
      this.rs2[i] = rs2;
      this.imm[i] = imm;
      this.size[i] = bytes >> 1;
    }
    this.ops[this.ops.length - 1] = STOP;
  }

  /** Address of a function or variable. */
  address(name: string): number {
    const symbol = this.elf.symbols.get(name);
    if (!symbol) throw new Error(`the image has no symbol ${name}`);
    return symbol.address;
  }

  /** Takes memory behind the image's variables, aligned to 8 bytes; never given back. */
  allocate(bytes: number): number {
    const at = this.heap;
    this.heap = (at + bytes + 7) & ~7;
    this.heap >>>= 0;
    if (this.heap > STACK_TOP - 65536) throw new Error('emulated memory is full');
    return at;
  }

  /** Copies a typed array into memory; returns its address if none was given. */
  write(data: ArrayBufferView, address = this.allocate(data.byteLength)): number {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.bytes.set(bytes, address - BASE);
    return address;
  }

  /** The memory itself, `offset` bytes from BASE. */
  get buffer(): ArrayBuffer {
    return this.memory;
  }

  read(address: number, bytes: number): Uint8Array {
    return this.bytes.slice(address - BASE, address - BASE + bytes);
  }

  readInt32(address: number, count: number): Int32Array {
    return new Int32Array(this.read(address, 4 * count).buffer);
  }

  readInt8(address: number, count: number): Int8Array {
    return new Int8Array(this.read(address, count).buffer);
  }

  /** Calls a function by the ILP32 ABI: eight arguments in registers, the others on the stack. */
  call(name: string, args: number[] = [], options: CallOptions = {}): CallResult {
    const { x } = this;
    const stack = (STACK_TOP - 4 * Math.max(0, args.length - 8)) & ~15;
    args.slice(0, 8).forEach((value, i) => (x[10 + i] = value));
    this.write(Int32Array.from(args.slice(8)), stack >>> 0);
    x[2] = stack;
    x[1] = BASE + this.codeEnd;
    const { maxCycles = 2 ** 32, profile = false } = options;
    const counts = profile ? new Float64Array(this.ops.length) : undefined;
    const { instructions, lowest } = this.run(this.address(name), stack, maxCycles, counts);
    const result: CallResult = {
      result: x[10] ?? 0,
      unsigned: (x[10] ?? 0) >>> 0,
      instructions,
      cycles: instructions,
      stackBytes: stack - lowest,
    };
    if (counts) result.profile = this.byFunction(counts);
    return result;
  }

  private byFunction(counts: Float64Array): Map<string, number> {
    const spent = new Map<string, number>();
    counts.forEach((count, i) => {
      if (count === 0) return;
      const owner = this.owner[i] ?? '?';
      spent.set(owner, (spent.get(owner) ?? 0) + count);
    });
    return new Map([...spent].sort((a, b) => b[1] - a[1]));
  }

  private fault(what: string, i: number): never {
    const at = (BASE + this.codeStart + 2 * i).toString(16);
    throw new Error(`${what} at ${at} in ${this.owner[i] ?? '?'}`);
  }

  /**
   * One loop with one switch, long as it is: it runs tens of millions of times a second. The cases
   * are the numbers of OP written out, since V8 makes a jump table of literals only.
   */
  private run(
    start: number,
    stack: number,
    most: number,
    counts: Float64Array | undefined,
  ): { instructions: number; lowest: number } {
    const { x, ops, rd, rs1, rs2, imm, size } = this;
    const bytes = this.bytes;
    const signedBytes = new Int8Array(this.memory);
    const halves = new Int16Array(this.memory);
    const unsignedHalves = new Uint16Array(this.memory);
    const words = new Int32Array(this.memory);
    const code = BASE + this.codeStart;
    const last = ops.length - 1;
    let instructions = 0;
    let lowest = stack;
    let i = (start - code) >> 1;
    for (;;) {
      const op = ops[i]!;
      if (op === STOP) return { instructions, lowest };
      if (counts) counts[i]!++;
      if (++instructions > most) this.fault(`over ${most} instructions`, i);
      const a = x[rs1[i]!]!;
      const b = x[rs2[i]!]!;
      const k = imm[i]!;
      const d = rd[i]!;
      switch (op) {
        case 1 /* LUI */:
          x[d] = k;
          break;
        case 2 /* AUIPC */:
          x[d] = code + 2 * i + k;
          break;
        case 3 /* JAL */:
          x[d] = code + 2 * (i + size[i]!);
          i += k >> 1;
          continue;
        case 4 /* JALR */: {
          const to = ((a + k - code) & ~1) >> 1;
          x[d] = code + 2 * (i + size[i]!);
          if (to < 0 || to > last) this.fault(`jump to ${((a + k) >>> 0).toString(16)}`, i);
          i = to;
          continue;
        }
        case 5 /* BEQ */:
          if (a === b) {
            i += k >> 1;
            continue;
          }
          break;
        case 6 /* BNE */:
          if (a !== b) {
            i += k >> 1;
            continue;
          }
          break;
        case 7 /* BLT */:
          if (a < b) {
            i += k >> 1;
            continue;
          }
          break;
        case 8 /* BGE */:
          if (a >= b) {
            i += k >> 1;
            continue;
          }
          break;
        case 9 /* BLTU */:
          if (a >>> 0 < b >>> 0) {
            i += k >> 1;
            continue;
          }
          break;
        case 10 /* BGEU */:
          if (a >>> 0 >= b >>> 0) {
            i += k >> 1;
            continue;
          }
          break;
        case 11 /* LB */: {
          const at = (a + k - BASE) | 0;
          if (at >>> 0 >= MEMORY_BYTES) this.fault(`access to ${(a + k) >>> 0}`, i);
          x[d] = signedBytes[at]!;
          break;
        }
        case 14 /* LBU */: {
          const at = (a + k - BASE) | 0;
          if (at >>> 0 >= MEMORY_BYTES) this.fault(`access to ${(a + k) >>> 0}`, i);
          x[d] = bytes[at]!;
          break;
        }
        case 12 /* LH */: {
          const at = (a + k - BASE) | 0;
          if (at >>> 0 >= MEMORY_BYTES || at & 1) this.fault(`access to ${(a + k) >>> 0}`, i);
          x[d] = halves[at >> 1]!;
          break;
        }
        case 15 /* LHU */: {
          const at = (a + k - BASE) | 0;
          if (at >>> 0 >= MEMORY_BYTES || at & 1) this.fault(`access to ${(a + k) >>> 0}`, i);
          x[d] = unsignedHalves[at >> 1]!;
          break;
        }
        case 13 /* LW */: {
          const at = (a + k - BASE) | 0;
          if (at >>> 0 >= MEMORY_BYTES || at & 3) this.fault(`access to ${(a + k) >>> 0}`, i);
          x[d] = words[at >> 2]!;
          break;
        }
        case 16 /* SB */: {
          const at = (a + k - BASE) | 0;
          if (at >>> 0 >= MEMORY_BYTES || at < this.codeEnd) {
            this.fault(`write to ${(a + k) >>> 0}`, i);
          }
          bytes[at] = b;
          break;
        }
        case 17 /* SH */: {
          const at = (a + k - BASE) | 0;
          if (at >>> 0 >= MEMORY_BYTES || at & 1 || at < this.codeEnd) {
            this.fault(`write to ${(a + k) >>> 0}`, i);
          }
          halves[at >> 1] = b;
          break;
        }
        case 18 /* SW */: {
          const at = (a + k - BASE) | 0;
          if (at >>> 0 >= MEMORY_BYTES || at & 3 || at < this.codeEnd) {
            this.fault(`write to ${(a + k) >>> 0}`, i);
          }
          words[at >> 2] = b;
          break;
        }
        case 19 /* ADDI */:
          x[d] = a + k;
          if (d === 2 && x[2]! < lowest) lowest = x[2]!;
          break;
        case 20 /* SLTI */:
          x[d] = a < k ? 1 : 0;
          break;
        case 21 /* SLTIU */:
          x[d] = a >>> 0 < k >>> 0 ? 1 : 0;
          break;
        case 22 /* XORI */:
          x[d] = a ^ k;
          break;
        case 23 /* ORI */:
          x[d] = a | k;
          break;
        case 24 /* ANDI */:
          x[d] = a & k;
          break;
        case 25 /* SLLI */:
          x[d] = a << k;
          break;
        case 26 /* SRLI */:
          x[d] = a >>> k;
          break;
        case 27 /* SRAI */:
          x[d] = a >> k;
          break;
        case 28 /* ADD */:
          x[d] = a + b;
          if (d === 2 && x[2]! < lowest) lowest = x[2]!;
          break;
        case 29 /* SUB */:
          x[d] = a - b;
          break;
        case 30 /* SLL */:
          x[d] = a << b;
          break;
        case 31 /* SLT */:
          x[d] = a < b ? 1 : 0;
          break;
        case 32 /* SLTU */:
          x[d] = a >>> 0 < b >>> 0 ? 1 : 0;
          break;
        case 33 /* XOR */:
          x[d] = a ^ b;
          break;
        case 34 /* SRL */:
          x[d] = a >>> b;
          break;
        case 35 /* SRA */:
          x[d] = a >> b;
          break;
        case 36 /* OR */:
          x[d] = a | b;
          break;
        case 37 /* AND */:
          x[d] = a & b;
          break;
        case 38 /* MUL */:
          x[d] = Math.imul(a, b);
          break;
        case 39 /* MULH */:
          x[d] = mulh(a, b);
          break;
        case 40 /* MULHSU */:
          x[d] = mulhsu(a, b);
          break;
        case 41 /* MULHU */:
          x[d] = mulhu(a, b);
          break;
        case 42 /* DIV */:
        case 43 /* DIVU */:
        case 44 /* REM */:
        case 45 /* REMU */:
          x[d] = divide(op, a, b);
          break;
        default:
          this.fault('illegal instruction', i);
      }
      i += size[i]!;
    }
  }
}
