/** The core of bench/rv32: every instruction on random and extreme operands, against BigInt. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildRv32Image } from '../../bench/rv32/build.ts';
import { Rv32Machine } from '../../bench/rv32/machine.ts';
import { Random } from '../support/random.ts';

const folder = mkdtempSync(join(tmpdir(), 'retune-rv32-core-'));
const elf = join(folder, 'core.elf');
let machine: Rv32Machine;

beforeAll(async () => {
  await buildRv32Image(['test/rv32/arithmetic.c'], elf);
  machine = Rv32Machine.load(elf);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

const LOWEST = -(2 ** 31);
const EXTREMES = [0, 1, -1, 2, -2, 31, 32, 33, 2 ** 31 - 1, LOWEST, LOWEST + 1, 0x5555, -0x8000];
const random = new Random(3);
const RANDOM = Array.from({ length: 40 }, () => [random.u32() | 0, random.u32() | 0] as const);
const PAIRS = [...EXTREMES.flatMap((a) => EXTREMES.map((b) => [a, b] as const)), ...RANDOM];

const big = (value: number): bigint => BigInt(value);
const unsigned = (value: number): bigint => BigInt(value >>> 0);
const word = (value: bigint): number => Number(BigInt.asIntN(32, value));
const flag = (value: boolean): number => (value ? 1 : 0);

const INSTRUCTIONS: Record<string, (a: number, b: number) => number> = {
  add: (a, b) => word(big(a) + big(b)),
  sub: (a, b) => word(big(a) - big(b)),
  sll: (a, b) => word(big(a) << (unsigned(b) & 31n)),
  slt: (a, b) => flag(a < b),
  sltu: (a, b) => flag(unsigned(a) < unsigned(b)),
  xor: (a, b) => word(big(a) ^ big(b)),
  srl: (a, b) => word(unsigned(a) >> (unsigned(b) & 31n)),
  sra: (a, b) => word(big(a) >> (unsigned(b) & 31n)),
  or: (a, b) => word(big(a) | big(b)),
  and: (a, b) => word(big(a) & big(b)),
  mul: (a, b) => word(big(a) * big(b)),
  mulh: (a, b) => word((big(a) * big(b)) >> 32n),
  mulhsu: (a, b) => word((big(a) * unsigned(b)) >> 32n),
  mulhu: (a, b) => word((unsigned(a) * unsigned(b)) >> 32n),
  div: (a, b) => (b === 0 ? -1 : word(big(a) / big(b))),
  divu: (a, b) => (b === 0 ? -1 : word(unsigned(a) / unsigned(b))),
  rem: (a, b) => (b === 0 ? a : word(big(a) % big(b))),
  remu: (a, b) => (b === 0 ? a : word(unsigned(a) % unsigned(b))),
  addi: (a) => word(big(a) - 2048n),
  slti: (a) => flag(a < -5),
  sltiu: (a) => flag(unsigned(a) < unsigned(-5)),
  xori: (a) => ~a,
  ori: (a) => a | 0x555,
  andi: (a) => a & 0x7f0,
  slli: (a) => word(big(a) << 31n),
  srli: (a) => word(unsigned(a) >> 7n),
  srai: (a) => word(big(a) >> 7n),
  beq: (a, b) => flag(a === b),
  bne: (a, b) => flag(a !== b),
  blt: (a, b) => flag(a < b),
  bge: (a, b) => flag(a >= b),
  bltu: (a, b) => flag(unsigned(a) < unsigned(b)),
  bgeu: (a, b) => flag(unsigned(a) >= unsigned(b)),
};

describe('the interpreted RV32IMC core', () => {
  it.each(Object.entries(INSTRUCTIONS))('%s', (name, expected) => {
    for (const [a, b] of PAIRS) {
      const { result } = machine.call(`rt_test_${name}`, [a, b]);
      expect(result, `${name} ${a}, ${b}`).toBe(expected(a, b));
    }
  });

  it('loads and stores bytes and halves', () => {
    const at = machine.allocate(8);
    for (const [value] of PAIRS) {
      const bytes = new DataView(new ArrayBuffer(8));
      bytes.setInt32(0, value, true);
      bytes.setInt16(4, bytes.getInt16(0, true), true);
      const [third, fourth] = [bytes.getUint8(2), bytes.getInt8(3)];
      bytes.setUint8(6, third);
      bytes.setInt8(7, fourth);
      const halves = (bytes.getInt16(0, true) << 5) - (bytes.getUint16(4, true) << 7);
      const sum = (fourth << 1) + (third << 3) + halves + bytes.getInt32(4, true);
      expect(machine.call('rt_test_memory', [at, value]).result).toBe(sum | 0);
    }
  });

  it('calls, keeps a stack and says how deep it was', () => {
    const values = Int32Array.from({ length: 20 }, () => random.u32());
    const sum = values.reduce((a, b) => (a + b) | 0, 0);
    const few = machine.call('rt_test_sum', [machine.write(values), 10]);
    const all = machine.call('rt_test_sum', [machine.write(values), 20]);
    expect(all.result).toBe(sum);
    expect(all.stackBytes).toBeGreaterThanOrEqual(few.stackBytes);
    expect(all.instructions).toBeGreaterThan(few.instructions + 10 * 4);
  });

  it('counts from the first instruction to the return', () => {
    // add, ret: the compiler adds nothing to a function of one instruction.
    expect(machine.call('rt_test_add', [1, 2]).instructions).toBe(2);
    const { profile } = machine.call('rt_test_add', [1, 2], { profile: true });
    expect([...(profile ?? [])]).toEqual([['rt_test_add', 2]]);
  });

  it('stops at unaligned access and at memory that is not there', () => {
    const at = machine.allocate(8);
    expect(() => machine.call('rt_test_memory', [at + 2, 0])).toThrow(/rt_test_memory/);
    expect(() => machine.call('rt_test_memory', [0x20000000, 0])).toThrow(/access|write/);
    expect(() => machine.call('rt_test_memory', [machine.address('rt_test_add'), 0])).toThrow(
      /write/,
    );
  });
});
