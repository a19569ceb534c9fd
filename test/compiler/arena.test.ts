import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { busiestStep, planArena, type PlanBuffer } from '../../compiler/arena.ts';

const buffer = (name: string, bytes: number, first: number, last: number): PlanBuffer => ({
  name,
  bytes,
  first,
  last,
});

/** Random buffers; some in rigid groups whose members may overlap each other. */
const buffersArb = fc
  .array(
    fc.record({
      bytes: fc.integer({ min: 0, max: 3000 }),
      first: fc.nat({ max: 12 }),
      life: fc.nat({ max: 8 }),
      align: fc.constantFrom(4, 4, 4, 16),
      group: fc.option(fc.constantFrom('a', 'b'), { nil: undefined, freq: 4 }),
      groupOffset: fc.nat({ max: 20 }).map((n) => 16 * n),
    }),
    { maxLength: 14 },
  )
  .map((list) =>
    list.map(({ life, group, groupOffset, ...rest }, i): PlanBuffer => ({
      name: `b${i}`,
      ...rest,
      last: rest.first + life,
      ...(group === undefined ? {} : { group, groupOffset }),
    })),
  );

const meetInTime = (a: PlanBuffer, b: PlanBuffer): boolean =>
  a.first <= b.last && b.first <= a.last;

describe('planArena', () => {
  test('no two buffers that live together overlap, whatever the buffers', () => {
    fc.assert(
      fc.property(buffersArb, (buffers) => {
        const { offsets, peak, lowerBound } = planArena(buffers);
        const at = (b: PlanBuffer): number => offsets.get(b.name) ?? NaN;
        for (const b of buffers) {
          expect(at(b) % (b.align ?? 4)).toBe(0);
          expect(at(b)).toBeGreaterThanOrEqual(0);
          expect(at(b) + b.bytes).toBeLessThanOrEqual(peak);
        }
        buffers.forEach((a, i) => {
          for (const b of buffers.slice(i + 1)) {
            if (a.group !== undefined && a.group === b.group) {
              expect(at(a) - at(b)).toBe((a.groupOffset ?? 0) - (b.groupOffset ?? 0));
            } else if (meetInTime(a, b) && a.bytes > 0 && b.bytes > 0) {
              const apart = at(a) + a.bytes <= at(b) || at(b) + b.bytes <= at(a);
              expect(apart).toBe(true);
            }
          }
        });
        expect(peak).toBeGreaterThanOrEqual(lowerBound);
        expect(peak % 4).toBe(0);
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  test('the lower bound is the most bytes alive in one step', () => {
    fc.assert(
      fc.property(buffersArb, (all) => {
        const buffers = all.map(({ group: _, groupOffset: __, ...b }) => b);
        const live = Array.from({ length: 22 }, (_, step) =>
          buffers
            .filter((b) => b.first <= step && step <= b.last)
            .reduce((sum, b) => sum + 4 * Math.ceil(b.bytes / 4), 0),
        );
        expect(planArena(buffers).lowerBound).toBe(Math.max(0, ...live));
      }),
      { numRuns: 100, seed: 8 },
    );
  });

  test('a plain chain needs the two largest neighbours', () => {
    const sizes = [100, 400, 800, 200, 40];
    const chain = sizes.map((bytes, i) => buffer(`t${i}`, bytes, Math.max(0, i - 1), i));
    expect(planArena(chain).peak).toBe(1200);
  });

  // Largest first puts b and c at 0 and leaves no room below d: only another order meets the bound.
  test('finds the optimum where greedy by size does not', () => {
    const buffers = [
      buffer('a', 40, 0, 1),
      buffer('b', 36, 1, 2),
      buffer('c', 24, 2, 3),
      buffer('d', 28, 3, 4),
      buffer('e', 40, 2, 4),
      buffer('f', 24, 0, 0),
    ];
    const { peak, lowerBound } = planArena(buffers);
    expect(peak).toBe(lowerBound);
  });

  test('members of a group overlap each other but not what lives beside them', () => {
    const { offsets, peak } = planArena([
      { ...buffer('gradient', 200, 2, 5), group: 'g', groupOffset: 0 },
      { ...buffer('stored', 100, 0, 3), group: 'g', groupOffset: 100 },
      buffer('early', 100, 0, 1),
      buffer('late', 60, 4, 5),
    ]);
    const base = offsets.get('gradient') ?? NaN;
    expect(offsets.get('stored')).toBe(base + 100);
    // `early` fits under `stored`, where the gradient is not alive yet.
    expect(peak).toBe(260);
  });

  test('is deterministic', () => {
    const buffers = [5, 3, 9, 1, 7].map((n, i) => buffer(`b${i}`, 4 * n, i % 3, 2 + (i % 2)));
    expect(planArena(buffers)).toEqual(planArena(buffers));
  });

  test('nothing needs nothing', () => {
    expect(planArena([])).toEqual({ offsets: new Map(), peak: 0, lowerBound: 0 });
  });

  test.each<[string, PlanBuffer[]]>([
    ['two of one name', [buffer('a', 4, 0, 0), buffer('a', 4, 0, 0)]],
    ['a life that ends before it starts', [buffer('a', 4, 2, 1)]],
    ['an alignment of 2', [{ ...buffer('a', 4, 0, 0), align: 2 }]],
    [
      'a group offset that breaks the alignment',
      [{ ...buffer('a', 4, 0, 0), align: 16, group: 'g', groupOffset: 8 }],
    ],
  ])('refuses %s', (_, buffers) => {
    expect(() => planArena(buffers)).toThrow(/malformed/);
  });
});

test('busiestStep names what is alive at the peak', () => {
  const buffers = [buffer('a', 10, 0, 1), buffer('b', 20, 1, 2), buffer('c', 4, 2, 2)];
  expect(busiestStep(buffers)).toEqual({ step: 1, bytes: 32, names: ['a', 'b'] });
});
