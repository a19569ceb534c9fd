import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RetuneError } from '../../cli/error.ts';
import { knownWords, splitTakes, type Take } from '../../sim/split.ts';

const takes = (label: string, numbers: number[]): Take[] =>
  numbers.map((take) => ({ label, take }));
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const numbersOf = (clips: Take[]): number[] => clips.map((clip) => clip.take);

describe('splitTakes', () => {
  it('tests on takes from 10 on where a word has many takes', () => {
    const { train, test } = splitTakes(takes('one', range(20)), ['one'], 5);
    expect(numbersOf(train)).toEqual([0, 1, 2, 3, 4]);
    expect(numbersOf(test)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });

  it('tests on all the rest where a word has fewer than 15 takes', () => {
    const { train, test } = splitTakes(takes('one', [9, 3, 1, 7, 5]), ['one'], 2);
    expect(numbersOf(train)).toEqual([1, 3]);
    expect(numbersOf(test)).toEqual([5, 7, 9]);
  });

  it('keeps one take for the test', () => {
    const { train, test } = splitTakes(takes('one', [1, 2]), ['one'], 5);
    expect([numbersOf(train), numbersOf(test)]).toEqual([[1], [2]]);
    expect(splitTakes(takes('one', [4]), ['one'], 5).test).toHaveLength(1);
  });

  it('leaves out words that the model does not know', () => {
    const clips = [...takes('one', range(4)), ...takes('cat', range(4))];
    const { train, test } = splitTakes(clips, ['one'], 1);
    expect(new Set([...train, ...test].map((clip) => clip.label))).toEqual(new Set(['one']));
  });

  it('never tests on what was learnt, whatever the takes', () => {
    const clip = fc.record({ label: fc.constantFrom('a', 'b'), take: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(clip), fc.integer({ min: 1, max: 30 }), (clips, shots) => {
        const { train, test } = splitTakes(clips, ['a', 'b'], shots);
        for (const one of test) expect(train).not.toContain(one);
        expect(train.length).toBeLessThanOrEqual(2 * shots);
      }),
    );
  });
});

describe('knownWords', () => {
  it('keeps the order of the model and leaves out silence and unknown', () => {
    const clips = [...takes('no', [1]), ...takes('yes', [1]), ...takes('unknown', [1])];
    expect(knownWords(clips, ['yes', 'no', 'silence', 'unknown'], 'here')).toEqual(['yes', 'no']);
  });

  it('says so when there is not one clip', () => {
    expect(() => knownWords([], ['yes'], 'clips: tom')).toThrow(/^clips: tom: not one clip/);
  });

  it('says so when the model knows none of the words', () => {
    expect(() => knownWords(takes('cat', [1]), ['yes'], 'clips/tom')).toThrow(RetuneError);
    expect(() => knownWords(takes('cat', [1]), ['yes'], 'clips/tom')).toThrow(/clips\/tom.*cat/);
  });
});
