import { InvalidArgumentError } from 'commander';

/** Parser of a whole-number option within [min, max], for commander. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text.trim()) || value < min || value > max) {
      throw new InvalidArgumentError(`give a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** Parser of a comma-separated list of whole numbers. */
export function wholeNumbers(min: number, max: number): (text: string) => number[] {
  const one = wholeNumber(min, max);
  return (text) => text.split(',').map(one);
}
