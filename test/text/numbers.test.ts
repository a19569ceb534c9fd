/** Numbers as text and back, and the functions of native/libm. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadText, type Text } from './module.ts';
import { fromHex, interestingNumbers, toHex } from './numbers.ts';

let text: Text;

beforeAll(async () => {
  text = await loadText();
});

const recorded = readFileSync(new URL('numbers.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => {
    const [hex = '', official = ''] = line.split(' ');
    return { number: fromHex(hex), official };
  });

/** Where rounding up gives a power of ten, the official VM prints ":" for the digit ten. */
const isSlip = ({ official }: { official: string }): boolean => official.includes(':');

describe('a number as text', () => {
  it('was recorded for all numbers of the list', () => {
    expect(recorded.map(({ number }) => toHex(number))).toEqual(interestingNumbers().map(toHex));
  });

  it('is what the official VM prints', () => {
    const ours = recorded.map(({ number }) => ({ number, official: text.print(number) }));
    const kept = recorded.filter((row) => !isSlip(row));
    expect(kept.length).toBeGreaterThan(1500);
    expect(ours.filter((_, i) => !isSlip(recorded[i] as (typeof recorded)[0]))).toEqual(kept);
  });

  it('is a power of ten where the official VM slips', () => {
    const slips = recorded.filter(isSlip);
    expect(slips.length).toBeGreaterThan(10);
    for (const { number, official } of slips) {
      expect(Number(text.print(number))).toBe(Number(official.replace(':', '10')));
    }
  });

  it('has 7 digits, and those are right', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e21, noNaN: true }), (x) => {
        const error = Math.abs(Number(text.print(x)) - x) / x;
        // below 1 the leading zero counts as a digit
        expect(error).toBeLessThanOrEqual(x < 1 ? 5.0001e-6 : 5.0001e-7);
      }),
    );
  });

  it('can have another number of digits', () => {
    expect([4, 5, 10, 15].map((digits) => text.printDigits(2 / 3 + 1, digits))).toEqual([
      '1.667',
      '1.6667',
      '1.666666667',
      '1.66666666666667',
    ]);
  });
});

describe('a number from text', () => {
  const check = (input: string): void => {
    const { value, used } = text.parse(input);
    expect({ input, value, used }).toEqual({ input, value: Number(input), used: input.length });
  };

  it('is the nearest double', () => {
    const digits = fc.stringMatching(/^\d{1,25}$/);
    const exponent = fc.integer({ min: -345, max: 320 });
    fc.assert(
      fc.property(digits, digits, exponent, (whole, fraction, e) => {
        check(`${whole}.${fraction}e${e}`);
        check(`-${whole}.${fraction}`);
        check(whole);
      }),
      { numRuns: 2000 },
    );
  });

  it('comes back from the shortest text of any double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        check(String(x));
      }),
      { numRuns: 2000 },
    );
  });

  it('rounds ties to even, also far behind the point', () => {
    for (const input of [
      '9007199254740993',
      '9007199254740992.99999999999999999999999999999',
      '9007199254740993.00000000000000000000000000001',
      '2.4703282292062327e-324',
      '2.4703282292062328e-324',
      '2.2250738585072011e-308',
      '1.7976931348623158e308',
      '1.7976931348623159e308',
      '0.00000000000000000000000000000000000000000000000000000000000000001e65',
    ]) {
      check(input);
    }
  });

  it.each([
    ['  12  ', 12, 4],
    ['12abc', 12, 2],
    ['1e', 1, 1],
    ['1e+', 1, 1],
    ['0x1f', 31, 4],
    ['-0x10', -16, 5],
    ['0x1.8p3', 12, 7],
    ['0x', 0, 1],
    ['0xg', 0, 1],
    ['infinity', Infinity, 8],
    ['-INF', -Infinity, 4],
    ['.5', 0.5, 2],
    ['5.', 5, 2],
    ['', NaN, 0],
    ['.', NaN, 0],
    ['--1', NaN, 0],
    ['e5', NaN, 0],
  ])('takes what it can of %j', (input, value, used) => {
    expect(text.parse(input)).toEqual({ value, used });
  });
});

describe('a value', () => {
  it('is an integer exactly when it is whole and fits 32 bits', () => {
    const near = fc.oneof(
      fc.double(),
      fc.integer({ min: -(2 ** 33), max: 2 ** 33 }),
      fc.constantFrom(-0, 2 ** 31, -(2 ** 31), 2 ** 31 - 1, -(2 ** 31) - 1, 0.5, 2 ** 31 - 0.5),
    );
    fc.assert(
      fc.property(near, (x) => {
        expect(text.isInt(x)).toBe(x === (x | 0));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('native/libm', () => {
  it('rounds exactly', () => {
    fc.assert(
      fc.property(fc.double(), (x) => {
        expect(text.floor(x)).toBe(Math.floor(x));
        expect(text.ceil(x)).toBe(Math.ceil(x));
        expect(text.trunc(x)).toBe(Math.trunc(x));
      }),
      { numRuns: 2000 },
    );
  });

  /** Distance in units of the last place, as V8's own functions may be off by one. */
  const distance = (a: number, b: number): number => {
    if (Object.is(a, b)) return 0;
    const bits = (x: number): bigint => BigInt(`0x${toHex(Math.abs(x))}`);
    const difference = Number(bits(a) - bits(b));
    return Math.sign(a) === Math.sign(b) ? Math.abs(difference) : Infinity;
  };

  it('has the logarithm', () => {
    fc.assert(
      fc.property(fc.double({ min: 5e-324, noNaN: true }), (x) => {
        expect(distance(text.log(x), Math.log(x))).toBeLessThanOrEqual(1);
      }),
      { numRuns: 2000 },
    );
    expect([0, 1, -1, NaN, Infinity].map((x) => text.log(x))).toEqual([
      -Infinity,
      0,
      NaN,
      NaN,
      Infinity,
    ]);
  });

  it('has exact powers where they are exact', () => {
    for (let n = 0; n <= 22; n++) expect(text.pow(10, n)).toBe(Number(`1e${n}`));
    for (let n = -1074; n < 1024; n++) expect(text.pow(2, n)).toBe(2 ** n);
    for (let n = 0; n <= 33; n++) expect(text.pow(-3, n)).toBe(Number((-3n) ** BigInt(n)));
  });

  it('squares and takes roots to the last place', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-150, max: 1e150, noNaN: true }), (x) => {
        expect(distance(text.pow(x, 2), x * x)).toBeLessThanOrEqual(1);
        expect(distance(text.pow(x, 0.5), Math.sqrt(x))).toBeLessThanOrEqual(1);
        expect(distance(text.pow(x, -1), 1 / x)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    [0, 0, 1],
    [NaN, 0, 1],
    [1, NaN, 1],
    [-1, Infinity, 1],
    [2, NaN, NaN],
    [-8, 1 / 3, NaN],
    [0, -1, Infinity],
    [-0, -3, -Infinity],
    [-Infinity, 3, -Infinity],
    [0.5, Infinity, 0],
    [2, 1024, Infinity],
    [2, -1080, 0],
    [-2, 1025, -Infinity],
  ])('pow(%d, %d) is %d', (x, y, result) => {
    expect(text.pow(x, y)).toBe(result);
  });
});

describe('a quoted string', () => {
  it('is JSON of the same text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (string) => {
        expect(JSON.parse(text.quote(string))).toBe(string);
      }),
      { numRuns: 500 },
    );
  });
});
