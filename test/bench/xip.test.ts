/** The estimate of the flash cache: which reads miss. */
import { describe, expect, test } from 'vitest';
import { RP2040 } from 'rp2040js';
import { MISS_CYCLES, XipCache, XipCpu } from '../../bench/rp2040/xip.ts';
import { ChipClock } from '../../sim/rp2040/clock.ts';
import { Cpu, CpuStop } from '../../sim/rp2040/cpu.ts';

const KB = 1024;

function misses(...offsets: number[]): number {
  const cache = new XipCache();
  offsets.forEach((offset) => cache.access(offset));
  return cache.misses;
}

const every = (step: number, from: number, to: number): number[] =>
  Array.from({ length: (to - from) / step }, (_, i) => from + i * step);

describe('the cache', () => {
  test('has lines of 8 bytes', () => {
    expect(misses(0, 1, 4, 7)).toBe(1);
    expect(misses(7, 8)).toBe(2);
  });

  test('keeps 16 KB', () => {
    const all = every(4, 0, 16 * KB);
    expect(misses(...all)).toBe(2 * KB);
    expect(misses(...all, ...all)).toBe(2 * KB);
  });

  test('has two ways: of three lines of a set the one goes that was not used last', () => {
    const [a, b, c] = [0, 8 * KB, 16 * KB];
    expect(misses(a, b, a, b)).toBe(2);
    expect(misses(a, b, a, c, a)).toBe(3);
    expect(misses(a, b, a, c, b)).toBe(4);
  });

  test('a matrix that is a little too large is fetched anew each time, where sets overflow', () => {
    const large = every(8, 0, 18 * KB);
    // Three lines in a quarter of the sets: none of these stays.
    expect(misses(...large, ...large)).toBe(large.length + (3 * 2 * KB) / 8);
  });

  test('a miss costs the clocks of a quad read at half of the core clock', () => {
    expect(MISS_CYCLES).toBe(2 * (24 / 4 + 8 / 4 + 4 + 64 / 4) + 8);
  });
});

describe('the core with the cache', () => {
  /** movs r0, #5; loop: ldr r1, [pc, #8]; subs r0, #1; bne loop; bkpt, and the constant. */
  const CODE = [0x2005, 0x4902, 0x3801, 0xd1fc, 0xbe00, 0, 0x1234, 0x5678];

  function run(make: (chip: RP2040) => Cpu): Cpu {
    const chip = new RP2040(new ChipClock());
    CODE.forEach((half, i) => chip.flashView.setUint16(2 * i, half, true));
    const cpu = make(chip);
    chip.core.PC = 0x10000000;
    expect(() => cpu.run(1000)).toThrow(CpuStop);
    expect(chip.core.registers[1]).toBe(0x56781234);
    return cpu;
  }

  test('computes and counts the same, and sees instructions and constants', () => {
    const host = (flashIsReadable: boolean) => ({ synchronize: () => undefined, flashIsReadable });
    const plain = run((chip) => new Cpu(chip, host(true), 1 << 21));
    const cached = run((chip) => new XipCpu(chip, host(false), 1 << 21));
    expect(cached.cycles).toBe(plain.cycles);
    expect((cached as XipCpu).cache.misses).toBe(2);
  });
});
