import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { busiestStep, planArena, type Overlay, type PlanBuffer } from '../../compiler/arena.ts';

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

/** Few and small enough to try every place. */
const smallArb = fc
  .record({
    list: fc.array(
      fc.record({
        words: fc.integer({ min: 1, max: 5 }),
        first: fc.nat({ max: 4 }),
        life: fc.nat({ max: 3 }),
        align: fc.constantFrom(4, 4, 4, 8),
        group: fc.option(fc.constant('g'), { nil: undefined, freq: 3 }),
        groupOffset: fc.nat({ max: 3 }).map((n) => 8 * n),
      }),
      { minLength: 3, maxLength: 6 },
    ),
    overlaid: fc.array(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 5 }), fc.nat({ max: 3 })), {
      maxLength: 2,
    }),
  })
  .map(({ list, overlaid }) => {
    const buffers = list.map(({ words, life, group, groupOffset, ...rest }, i): PlanBuffer => ({
      name: `b${i}`,
      bytes: 4 * words,
      ...rest,
      last: rest.first + life,
      ...(group === undefined ? {} : { group, groupOffset }),
    }));
    const overlays = overlaid.flatMap(([a, b, words]): Overlay[] => {
      const [lower, upper] = [buffers[a], buffers[b]];
      if (a === b || lower?.group !== undefined || upper?.group !== undefined) return [];
      if (lower === undefined || upper === undefined) return [];
      return [{ lower: lower.name, upper: upper.name, distance: 4 * words }];
    });
    return { buffers, overlays: overlays.slice(0, 1) };
  });

/** The smallest peak, by trying every place of every buffer. */
function bruteForce(buffers: PlanBuffer[], overlays: Overlay[]): number {
  const bodies = new Map<string, PlanBuffer[]>();
  for (const b of buffers) {
    const key = b.group ?? b.name;
    bodies.set(key, [...(bodies.get(key) ?? []), b]);
  }
  const list = [...bodies.values()];
  const offset = (b: PlanBuffer): number => b.groupOffset ?? 0;
  const distance = (lower: PlanBuffer, upper: PlanBuffer): number =>
    overlays
      .filter((o) => o.lower === lower.name && o.upper === upper.name)
      .reduce((least, o) => Math.min(least, o.distance), lower.bytes);
  let best = buffers.reduce((sum, b) => sum + b.bytes + offset(b) + 8, 0);
  const place = (index: number, placed: { b: PlanBuffer; at: number }[], peak: number): void => {
    const body = list[index];
    if (body === undefined) {
      best = peak;
      return;
    }
    const align = Math.max(...body.map((b) => b.align ?? 4));
    const extent = Math.max(...body.map((b) => offset(b) + b.bytes));
    for (let base = 0; base + extent < best; base += align) {
      const apart = body.every((b) =>
        placed.every(({ b: other, at }) => {
          if (!meetInTime(b, other)) return true;
          const mine = base + offset(b);
          return mine + distance(b, other) <= at || at + distance(other, b) <= mine;
        }),
      );
      const next = [...placed, ...body.map((b) => ({ b, at: base + offset(b) }))];
      if (apart) place(index + 1, next, Math.max(peak, base + extent));
    }
  };
  place(0, [], 0);
  return best;
}

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

  test('no lower bound is below the most bytes alive in one step', () => {
    fc.assert(
      fc.property(buffersArb, (all) => {
        const buffers = all.map(({ group: _, groupOffset: __, ...b }) => b);
        const live = Array.from({ length: 22 }, (_, step) =>
          buffers
            .filter((b) => b.first <= step && step <= b.last)
            .reduce((sum, b) => sum + 4 * Math.ceil(b.bytes / 4), 0),
        );
        const plan = planArena(buffers);
        expect(plan.liveBytes).toBe(Math.max(0, ...live));
        expect(plan.lowerBound).toBeGreaterThanOrEqual(plan.liveBytes);
      }),
      { numRuns: 100, seed: 8 },
    );
  });

  test('is the optimum, and says so', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(smallArb, ({ buffers, overlays }) => {
        const { peak, lowerBound } = planArena(buffers, { overlays });
        expect(peak).toBe(bruteForce(buffers, overlays));
        expect(lowerBound).toBe(peak);
      }),
      { numRuns: 400, seed: 9 },
    );
  });

  test('without search it says how far the optimum may be', () => {
    fc.assert(
      fc.property(smallArb, ({ buffers, overlays }) => {
        const optimum = bruteForce(buffers, overlays);
        const { peak, lowerBound } = planArena(buffers, { overlays, nodes: 0 });
        expect(peak).toBeGreaterThanOrEqual(optimum);
        expect(lowerBound).toBeLessThanOrEqual(optimum);
      }),
      { numRuns: 200, seed: 10 },
    );
  });

  test('what a buffer does not use yet may be used by others', () => {
    const growing = {
      ...buffer('growing', 200, 0, 2),
      phases: [
        { first: 0, last: 1, bytes: 40 },
        { first: 2, last: 2, bytes: 200 },
      ],
    };
    const { offsets, peak, lowerBound } = planArena([growing, buffer('early', 160, 0, 1)]);
    expect([peak, lowerBound]).toEqual([200, 200]);
    expect([offsets.get('growing'), offsets.get('early')]).toEqual([0, 40]);
  });

  test('an output may lie over what has been read of its input', () => {
    const buffers = [buffer('in', 800, 0, 1), buffer('out', 800, 1, 2)];
    const overlays = [{ lower: 'out', upper: 'in', distance: 64 }];
    const { offsets, peak, lowerBound } = planArena(buffers, { overlays });
    expect([peak, lowerBound]).toEqual([864, 864]);
    expect(offsets.get('in')).toBe((offsets.get('out') ?? NaN) + 64);
    expect(busiestStep(buffers, overlays).bytes).toBe(864);
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
    expect(planArena([])).toEqual({
      offsets: new Map(),
      peak: 0,
      lowerBound: 0,
      liveBytes: 0,
    });
  });

  test.each<[string, PlanBuffer[]]>([
    ['two of one name', [buffer('a', 4, 0, 0), buffer('a', 4, 0, 0)]],
    ['a life that ends before it starts', [buffer('a', 4, 2, 1)]],
    ['a phase outside its life', [{ ...buffer('a', 4, 0, 1), phases: [buffer('', 4, 1, 2)] }]],
    ['a phase of more', [{ ...buffer('a', 4, 0, 1), phases: [buffer('', 8, 0, 1)] }]],
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
