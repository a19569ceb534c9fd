/**
 * RV32IMC machine code to a form that an interpreter reads fast. Compressed instructions are
 * expanded to the 32-bit ones that they stand for (RISC-V Unprivileged ISA, chapters I, M and C).
 */

/** Operations as the interpreter knows them. */
export const OP = {
  ILLEGAL: 0,
  LUI: 1,
  AUIPC: 2,
  JAL: 3,
  JALR: 4,
  BEQ: 5,
  BNE: 6,
  BLT: 7,
  BGE: 8,
  BLTU: 9,
  BGEU: 10,
  LB: 11,
  LH: 12,
  LW: 13,
  LBU: 14,
  LHU: 15,
  SB: 16,
  SH: 17,
  SW: 18,
  ADDI: 19,
  SLTI: 20,
  SLTIU: 21,
  XORI: 22,
  ORI: 23,
  ANDI: 24,
  SLLI: 25,
  SRLI: 26,
  SRAI: 27,
  ADD: 28,
  SUB: 29,
  SLL: 30,
  SLT: 31,
  SLTU: 32,
  XOR: 33,
  SRL: 34,
  SRA: 35,
  OR: 36,
  AND: 37,
  MUL: 38,
  MULH: 39,
  MULHSU: 40,
  MULHU: 41,
  DIV: 42,
  DIVU: 43,
  REM: 44,
  REMU: 45,
} as const;

export interface Decoded {
  op: number;
  rd: number;
  rs1: number;
  rs2: number;
  /** Sign-extended; of branches and jumps relative to the instruction. */
  imm: number;
  /** 2 or 4. */
  bytes: number;
}

const ILLEGAL: Decoded = { op: OP.ILLEGAL, rd: 0, rs1: 0, rs2: 0, imm: 0, bytes: 2 };

const signed = (value: number, bits: number): number => (value << (32 - bits)) >> (32 - bits);

const LOADS = [OP.LB, OP.LH, OP.LW, OP.ILLEGAL, OP.LBU, OP.LHU];
const STORES = [OP.SB, OP.SH, OP.SW];
const BRANCHES = [OP.BEQ, OP.BNE, OP.ILLEGAL, OP.ILLEGAL, OP.BLT, OP.BGE, OP.BLTU, OP.BGEU];
const IMMEDIATE = [OP.ADDI, OP.SLLI, OP.SLTI, OP.SLTIU, OP.XORI, OP.SRLI, OP.ORI, OP.ANDI];
const REGISTER = [OP.ADD, OP.SLL, OP.SLT, OP.SLTU, OP.XOR, OP.SRL, OP.OR, OP.AND];
const MULTIPLY = [OP.MUL, OP.MULH, OP.MULHSU, OP.MULHU, OP.DIV, OP.DIVU, OP.REM, OP.REMU];

function registerOp(funct3: number, funct7: number): number {
  if (funct7 === 0) return REGISTER[funct3] ?? OP.ILLEGAL;
  if (funct7 === 1) return MULTIPLY[funct3] ?? OP.ILLEGAL;
  if (funct7 !== 0x20) return OP.ILLEGAL;
  if (funct3 === 0) return OP.SUB;
  return funct3 === 5 ? OP.SRA : OP.ILLEGAL;
}

function immediateOp(w: number, fields: Omit<Decoded, 'op' | 'imm'>): Decoded {
  const funct3 = (w >>> 12) & 7;
  const funct7 = w >>> 25;
  const op = IMMEDIATE[funct3] ?? OP.ILLEGAL;
  if (funct3 !== 1 && funct3 !== 5) return { ...fields, op, imm: w >> 20 };
  const imm = fields.rs2;
  if (funct7 === 0) return { ...fields, op, imm };
  const isArithmetic = funct3 === 5 && funct7 === 0x20;
  return { ...fields, op: isArithmetic ? OP.SRAI : OP.ILLEGAL, imm };
}

const branchImm = (w: number): number =>
  signed(
    ((w >>> 31) << 12) | (((w >>> 7) & 1) << 11) | (((w >>> 25) & 63) << 5) | ((w >>> 7) & 30),
    13,
  );

const jumpImm = (w: number): number =>
  signed(
    ((w >>> 31) << 20) |
      (((w >>> 12) & 255) << 12) |
      (((w >>> 20) & 1) << 11) |
      (((w >>> 21) & 1023) << 1),
    21,
  );

function decodeWord(w: number): Decoded {
  const funct3 = (w >>> 12) & 7;
  const fields = { rd: (w >>> 7) & 31, rs1: (w >>> 15) & 31, rs2: (w >>> 20) & 31, bytes: 4 };
  switch (w & 127) {
    case 0x37:
      return { ...fields, op: OP.LUI, imm: w & ~0xfff };
    case 0x17:
      return { ...fields, op: OP.AUIPC, imm: w & ~0xfff };
    case 0x6f:
      return { ...fields, op: OP.JAL, imm: jumpImm(w) };
    case 0x67:
      return { ...fields, op: OP.JALR, imm: w >> 20 };
    case 0x63:
      return { ...fields, op: BRANCHES[funct3] ?? OP.ILLEGAL, imm: branchImm(w) };
    case 0x03:
      return { ...fields, op: LOADS[funct3] ?? OP.ILLEGAL, imm: w >> 20 };
    case 0x23:
      return { ...fields, op: STORES[funct3] ?? OP.ILLEGAL, imm: ((w >> 25) << 5) | fields.rd };
    case 0x13:
      return immediateOp(w, fields);
    case 0x33:
      return { ...fields, op: registerOp(funct3, w >>> 25), imm: 0 };
    default:
      return { ...ILLEGAL, bytes: 4 };
  }
}

/** Bits of a compressed instruction, gathered: pairs of [lowest bit there, bits, place here]. */
const gather = (h: number, ...parts: [from: number, bits: number, to: number][]): number =>
  parts.reduce((sum, [from, bits, to]) => sum | (((h >>> from) & ((1 << bits) - 1)) << to), 0);

const compressed = (op: number, rd: number, rs1: number, rs2: number, imm: number): Decoded => ({
  op,
  rd,
  rs1,
  rs2,
  imm,
  bytes: 2,
});

const small = (h: number, from: number): number => ((h >>> from) & 7) + 8;
const imm6 = (h: number): number => signed(gather(h, [12, 1, 5], [2, 5, 0]), 6);
const jump11 = (h: number): number =>
  signed(
    gather(h, [12, 1, 11], [11, 1, 4], [9, 2, 8], [8, 1, 10], [7, 1, 6], [6, 1, 7], [3, 3, 1]) |
      gather(h, [2, 1, 5]),
    12,
  );
const branch8 = (h: number): number =>
  signed(gather(h, [12, 1, 8], [10, 2, 3], [5, 2, 6], [3, 2, 1], [2, 1, 5]), 9);

function quadrant0(h: number): Decoded {
  const offset = gather(h, [10, 3, 3], [6, 1, 2], [5, 1, 6]);
  switch (h >>> 13) {
    case 0: {
      const imm = gather(h, [7, 4, 6], [11, 2, 4], [5, 1, 3], [6, 1, 2]);
      return imm === 0 ? ILLEGAL : compressed(OP.ADDI, small(h, 2), 2, 0, imm);
    }
    case 2:
      return compressed(OP.LW, small(h, 2), small(h, 7), 0, offset);
    case 6:
      return compressed(OP.SW, 0, small(h, 7), small(h, 2), offset);
    default:
      return ILLEGAL;
  }
}

function arithmetic(h: number): Decoded {
  const rd = small(h, 7);
  const kind = (h >>> 10) & 3;
  if (kind === 2) return compressed(OP.ANDI, rd, rd, 0, imm6(h));
  if (kind === 3) {
    const op = [OP.SUB, OP.XOR, OP.OR, OP.AND][(h >>> 5) & 3] ?? OP.ILLEGAL;
    return (h >>> 12) & 1 ? ILLEGAL : compressed(op, rd, rd, small(h, 2), 0);
  }
  if ((h >>> 12) & 1) return ILLEGAL;
  return compressed(kind === 0 ? OP.SRLI : OP.SRAI, rd, rd, 0, (h >>> 2) & 31);
}

function quadrant1(h: number): Decoded {
  const rd = (h >>> 7) & 31;
  switch (h >>> 13) {
    case 0:
      return compressed(OP.ADDI, rd, rd, 0, imm6(h));
    case 1:
      return compressed(OP.JAL, 1, 0, 0, jump11(h));
    case 2:
      return compressed(OP.ADDI, rd, 0, 0, imm6(h));
    case 3: {
      if (rd !== 2) return compressed(OP.LUI, rd, 0, 0, imm6(h) << 12);
      const imm = gather(h, [12, 1, 9], [6, 1, 4], [5, 1, 6], [3, 2, 7], [2, 1, 5]);
      return compressed(OP.ADDI, 2, 2, 0, signed(imm, 10));
    }
    case 4:
      return arithmetic(h);
    case 5:
      return compressed(OP.JAL, 0, 0, 0, jump11(h));
    case 6:
      return compressed(OP.BEQ, 0, small(h, 7), 0, branch8(h));
    default:
      return compressed(OP.BNE, 0, small(h, 7), 0, branch8(h));
  }
}

function jumpOrMove(h: number): Decoded {
  const rd = (h >>> 7) & 31;
  const rs2 = (h >>> 2) & 31;
  const isSecond = ((h >>> 12) & 1) === 1;
  if (rs2 !== 0) return compressed(OP.ADD, rd, isSecond ? rd : 0, rs2, 0);
  if (rd === 0) return ILLEGAL; // EBREAK among them
  return compressed(OP.JALR, isSecond ? 1 : 0, rd, 0, 0);
}

function quadrant2(h: number): Decoded {
  const rd = (h >>> 7) & 31;
  const rs2 = (h >>> 2) & 31;
  switch (h >>> 13) {
    case 0:
      return (h >>> 12) & 1 ? ILLEGAL : compressed(OP.SLLI, rd, rd, 0, rs2);
    case 2:
      return compressed(OP.LW, rd, 2, 0, gather(h, [12, 1, 5], [4, 3, 2], [2, 2, 6]));
    case 4:
      return jumpOrMove(h);
    case 6:
      return compressed(OP.SW, 0, 2, rs2, gather(h, [9, 4, 2], [7, 2, 6]));
    default:
      return ILLEGAL;
  }
}

/** The instruction at `at` of some code. */
export function decode(code: DataView, at: number): Decoded {
  const low = code.getUint16(at, true);
  switch (low & 3) {
    case 0:
      return quadrant0(low);
    case 1:
      return quadrant1(low);
    case 2:
      return quadrant2(low);
    default:
      return at + 4 <= code.byteLength ? decodeWord(code.getInt32(at, true)) : ILLEGAL;
  }
}
