import { InvalidArgumentError } from 'commander';
import { expect, it } from 'vitest';
import { names, positiveNumber, wholeNumber } from '../../cli/values.ts';

it('reads names between commas, with or without blanks, each once', () => {
  expect(names('ann')).toEqual(['ann']);
  expect(names('ann, bob,ann')).toEqual(['ann', 'bob']);
});

it.each(['', ' ', 'ann,', ',ann', 'ann,,bob'])('refuses the list %j', (text) => {
  expect(() => names(text)).toThrow(InvalidArgumentError);
});

it('reads numbers within their range only', () => {
  expect(wholeNumber(1, 16)('16')).toBe(16);
  for (const text of ['0', '17', '1.5', '', 'x', '1e1'])
    expect(() => wholeNumber(1, 16)(text)).toThrow(/from 1 to 16/);
  expect(positiveNumber('0.5')).toBe(0.5);
  for (const text of ['0', '-1', '', 'NaN', 'Infinity'])
    expect(() => positiveNumber(text)).toThrow(InvalidArgumentError);
});
