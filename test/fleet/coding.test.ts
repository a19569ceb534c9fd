/** The three codings: back and forth, exactly one stream for every content, nothing else taken. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CODINGS, decodePayload, encodePayload, smallestCoding } from '../../fleet/coding.ts';

/** Contents of all sorts: noise, mostly zeros, few values, runs of 255 (which carries go through). */
const contents = fc.oneof(
  fc.uint8Array({ maxLength: 700 }),
  fc.array(fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 255 })), {
    maxLength: 700,
  }),
  fc.array(fc.constantFrom(0, 1, 2, 255), { maxLength: 700 }),
  fc.tuple(fc.constantFrom(0, 127, 128, 255), fc.nat(700)).map(([v, n]) => Array(n).fill(v)),
);

describe.each(CODINGS)('%s', (coding) => {
  it('gives back what was coded', () => {
    fc.assert(
      fc.property(contents, (content: Iterable<number>) => {
        const bytes = Uint8Array.from(content);
        const payload = encodePayload(coding, bytes);
        expect(decodePayload(coding, payload, bytes.length)).toEqual(bytes);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('takes no stream but the one that the encoder gives', () => {
    fc.assert(
      fc.property(
        contents,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (content: Iterable<number>, at, flip) => {
          const bytes = Uint8Array.from(content);
          const payload = encodePayload(coding, bytes);
          if (payload.length === 0) return;
          const changed = payload.slice();
          changed[at % payload.length] = (changed[at % payload.length] ?? 0) ^ flip;
          const decoded = decodePayload(coding, changed, bytes.length);
          if (decoded !== undefined) expect(encodePayload(coding, decoded)).toEqual(changed);
        },
      ),
      { numRuns: 500, seed: 2 },
    );
  });

  it('refuses a stream that is too short, too long or for another size', () => {
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => (i % 7 === 0 ? i : 0));
    const payload = encodePayload(coding, bytes);
    for (let length = 0; length < payload.length; length++) {
      expect(decodePayload(coding, payload.subarray(0, length), 300)).toBeUndefined();
    }
    expect(decodePayload(coding, Uint8Array.of(...payload, 0), 300)).toBeUndefined();
    if (coding === 'raw') expect(decodePayload(coding, payload, 299)).toBeUndefined();
  });
});

describe('sparse', () => {
  const row = (...bytes: number[]): Uint8Array | undefined =>
    decodePayload('sparse', Uint8Array.from(bytes), 10);

  it('refuses columns out of order, twice or outside, and zeros', () => {
    expect(row(2, 3, 4, 9, 9)).toEqual(Uint8Array.of(0, 0, 0, 9, 9, 0, 0, 0, 0, 0));
    expect(row(2, 4, 3, 9, 9)).toBeUndefined();
    expect(row(2, 4, 4, 9, 9)).toBeUndefined();
    expect(row(1, 10, 9)).toBeUndefined();
    expect(row(1, 3, 0)).toBeUndefined();
    expect(
      row(11, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1),
    ).toBeUndefined();
  });
});

describe('entropy', () => {
  it('refuses a code that no encoder gives', () => {
    expect(decodePayload('entropy', Uint8Array.of(255, 255, 255, 255), 0)).toBeUndefined();
    expect(decodePayload('entropy', Uint8Array.of(0, 0, 0, 1), 0)).toBeUndefined();
    expect(decodePayload('entropy', Uint8Array.of(0, 0, 0, 0), 0)).toEqual(new Uint8Array());
  });
});

describe('the smallest coding', () => {
  it('is sparse for few changes, entropy for uneven values, raw for noise', () => {
    const few = new Uint8Array(2000);
    few[77] = 3;
    expect(smallestCoding(few)).toBe('sparse');
    expect(smallestCoding(Uint8Array.from({ length: 2000 }, (_, i) => (i * i) % 11))).toBe(
      'entropy',
    );
    let x = 1;
    const noise = Uint8Array.from({ length: 2000 }, () => (x = (x * 48271) % 2147483647) >> 8);
    expect(smallestCoding(noise)).toBe('raw');
  });
});
