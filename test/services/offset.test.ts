import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Firmware } from '../../sim/firmware.ts';
import { Offset } from '../../sim/offset.ts';

const BLOCK = 160;
const OFFSET_BYTES = 20;
const SECOND = 50;

/** rt_offset_take of native/services/offset.c. */
class NativeOffset {
  private readonly firmware = new Firmware();
  private readonly state = this.firmware.allocate(OFFSET_BYTES);
  private readonly samples = this.firmware.allocate(2 * BLOCK);

  take(block: Int16Array): void {
    const { firmware } = this;
    firmware.i16(this.samples, block.length).set(block);
    firmware.call('rt_offset_take', this.state, this.samples, block.length);
    block.set(firmware.i16(this.samples, block.length));
  }
}

/** A block of a tone about a middle. */
function tone(middle: number, size: number, seed: number): Int16Array {
  return Int16Array.from({ length: BLOCK }, (_, n) => {
    const sample = middle + size * Math.sin(((n + seed) * 2 * Math.PI) / 23);
    return Math.max(-32768, Math.min(32767, Math.round(sample)));
  });
}

const stretch = fc.record({
  middle: fc.integer({ min: -32768, max: 32767 }),
  size: fc.constantFrom(0, 0, 20, 3000, 40000),
  blocks: fc.integer({ min: 1, max: 120 }),
});

describe('the offset of a microphone', () => {
  it('is taken away in C as in TypeScript, bit by bit', () => {
    fc.assert(
      fc.property(fc.array(stretch, { minLength: 1, maxLength: 6 }), (stretches) => {
        const native = new NativeOffset();
        const twin = new Offset();
        for (const { middle, size, blocks } of stretches) {
          for (let n = 0; n < blocks; n++) {
            const here = tone(middle, size, 7 * n);
            const there = here.slice();
            native.take(here);
            twin.take(there);
            expect(here).toEqual(there);
          }
        }
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  it('is found within a second, wherever it lies in a quarter of full scale', () => {
    for (const middle of [-8000, -700, 900, 8000]) {
      const offset = new Offset();
      for (let n = 0; n < SECOND; n++) offset.take(tone(middle, 400, n));
      const block = tone(middle, 400, 3);
      offset.take(block);
      expect(Math.abs(offset.applied - middle)).toBeLessThan(64);
      expect(Math.max(...block.map(Math.abs))).toBeLessThan(480);
    }
  });

  it('leaves a signal about the middle as it is, words with a mean of their own too', () => {
    const offset = new Offset();
    for (let n = 0; n < 20 * SECOND; n++) {
      const isWord = n % SECOND < 20;
      const block = tone(isWord ? 260 : 0, isWord ? 9000 : 30, n);
      const before = block.slice();
      offset.take(block);
      expect(block).toEqual(before);
    }
  });

  it('tells a converter that is stuck from one that is silent', () => {
    const after = (value: number, blocks: number): boolean => {
      const offset = new Offset();
      for (let n = 0; n < blocks; n++) offset.take(new Int16Array(BLOCK).fill(value));
      return offset.isStuck;
    };
    expect([after(32752, SECOND - 1), after(32752, SECOND)]).toEqual([false, true]);
    expect([after(-20000, 3 * SECOND), after(0, 3 * SECOND), after(700, 3 * SECOND)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('does not follow a stuck converter, and is what it was when that lives again', () => {
    const offset = new Offset();
    for (let n = 0; n < 2 * SECOND; n++) offset.take(tone(1500, 300, n));
    const before = offset.applied;
    for (let n = 0; n < 600 * SECOND; n++) offset.take(new Int16Array(BLOCK).fill(-20000));
    offset.take(tone(1500, 300, 0));
    expect(Math.abs(offset.applied - before)).toBeLessThan(3);
  });
});
