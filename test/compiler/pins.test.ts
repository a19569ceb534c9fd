/** Buffers pinned to a bank: where the plan, the C source and the linker put them. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readBoard } from '../../compiler/board.ts';
import { compileModel, type CompiledModel } from '../../compiler/compile.ts';
import { buildFirmware } from '../../compiler/firmware.ts';
import { linkScript } from '../../compiler/firmware-sources.ts';
import { banksOf } from '../../compiler/pins.ts';
import { memoryReport, reportText } from '../../compiler/report.ts';
import { projectRoot } from '../support/data.ts';

const bytes = readFileSync(join(projectRoot, 'models/digits/digits.tflite'));
const pico = readBoard(join(projectRoot, 'boards/rp2040_pico.board.json'));
const BANK = { address: 0x20040000, bytes: 4096 };

function digits(wanted: Record<string, string>): CompiledModel {
  const pins = { wanted, banks: banksOf('rp2040') };
  return compileModel(bytes, 'digits.tflite', { adapter: { method: 'skip' }, pins });
}

describe('the plan', () => {
  const compiled = digits({ pool: 'sram4', residual: 'sram4' });
  const { plan, buffers } = compiled;
  const { offset = NaN, used = NaN } = plan.bank ?? {};

  test('puts what is pinned behind everything else, and nothing else there', () => {
    expect(offset % 8).toBe(0);
    const inBank = buffers.filter(({ name }) => (plan.offsets.get(name) ?? 0) >= offset);
    const before = buffers.filter(({ name }) => (plan.offsets.get(name) ?? 0) < offset);
    expect(inBank).toHaveLength(2);
    expect(inBank.map(({ name }) => name)).toContain('residual');
    for (const { name, bytes: size } of before) {
      expect((plan.offsets.get(name) ?? NaN) + size).toBeLessThanOrEqual(offset);
    }
    expect(offset + used).toBe(plan.peak);
    expect(used).toBeLessThanOrEqual(BANK.bytes);
  });

  test('is printed with the bank', () => {
    const text = reportText(memoryReport(compiled));
    expect(text).toMatch(/In sram4 \(from offset [\d,]+ on, address 0x20040000\): .*residual/);
  });

  test('without pins is as ever', () => {
    expect(digits({}).plan).toEqual(
      compileModel(bytes, 'digits.tflite', { adapter: { method: 'skip' } }).plan,
    );
    expect(linkScript(pico)).toContain('STACK (rw) : ORIGIN = 0x20040000 + 0, LENGTH = 8K - 0');
  });
});

describe('what cannot be pinned is refused', () => {
  test.each<[string, Record<string, string>, RegExp]>([
    ['a buffer that is not there', { nowhere: 'sram4' }, /there is no buffer "nowhere"/],
    ['a bank that is not there', { residual: 'sram9' }, /no bank "sram9"; banks: sram4/],
    ['more than the bank holds', { cache: 'sram4' }, /do not fit the 4096 of sram4; pin fewer/],
  ])('%s', (_, wanted, message) => {
    expect(() => digits(wanted)).toThrow(message);
  });

  test('on a chip without banks', () => {
    const pins = { wanted: { conv: 'sram4' }, banks: banksOf('esp32c3') };
    expect(() => compileModel(bytes, 'digits.tflite', { pins })).toThrow(/this board has none/);
  });
});

test(
  'the linker puts the arena so that its end lies in the bank',
  { timeout: 300_000 },
  async () => {
    const model = digits({ 'block3/depthwise': 'sram4' });
    const outDir = mkdtempSync(join(tmpdir(), 'retune-pins-'));
    const options = { board: pico, modules: ['capture', 'learner'], outDir };
    const { report, map, symbols } = await buildFirmware({ ...options, model });
    const line = readFileSync(map, 'utf8')
      .split('\n')
      .find((text) => text.includes(':(.pinned_arena)'));
    const address = parseInt(line?.trim().split(/\s+/)[0] ?? '', 16);
    expect(address + (model.plan.bank?.offset ?? NaN)).toBe(BANK.address);
    // The stack keeps the other bank, and the parts still add up to the chip.
    expect(symbols.get('__stack_bottom')?.address).toBe(BANK.address + BANK.bytes);
    const { code, static: variables, heap, arena, stack, free } = report.ram;
    expect(stack).toBe(4096);
    const unused = BANK.bytes - (model.plan.bank?.used ?? NaN);
    expect(code + variables + heap + arena + stack + free).toBe(pico.ramBytes);
    expect(free).toBeGreaterThan(unused);
  },
);
