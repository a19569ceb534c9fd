/** Numbers whose text is compared with the official VM's. */
import { Random } from '../support/random.ts';

/** The bits of a double, most significant first. */
export function toHex(number: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(number);
  return bytes.toString('hex');
}

export function fromHex(hex: string): number {
  return Buffer.from(hex, 'hex').readDoubleBE();
}

const MANTISSAS = [
  ...[1, 1.5, 9.5, 1 / 3, 2 / 3, 1.23456789, 1.2345649, 1.000001, 1.0000001],
  ...[9.9999994, 9.9999995, 9.99999999, 7.7777777, 1.23456789012345678],
];

const SPECIAL = [
  ...[
    0,
    -0,
    NaN,
    Infinity,
    -Infinity,
    5e-324,
    1e-308,
    2.2250738585072014e-308,
    2.3e-308,
    1.7976931348623157e308,
  ],
  ...[2147483647, 2147483648, -2147483648, -2147483649, 4294967295, 4294967296],
  ...[9007199254740991, 9007199254740992, 18014398509481984, 1e21, 1.0000000000000001e21, 1e-6],
  ...[9.999999999999999e-7, 0.1 + 0.2, 1.005, 123456.5, 1234567.5, 12345678.5, 123456789.5],
  ...[100 / 3, 1e100, -1e-100, 999999999999999, 0.000001234567, 4294967296.5],
];

/** Seven digits and a five behind them: the neighbourhood of a tie. */
function nearTies(random: Random): number[] {
  return Array.from({ length: 400 }, () => {
    const digits = random.between(1_000_000, 9_999_999);
    return Number(`${digits}5e${random.between(-25, 20)}`);
  });
}

/** Any magnitude. */
function anySize(random: Random): number[] {
  return Array.from({ length: 300 }, () => {
    const sign = random.oneIn(2) ? -1 : 1;
    return sign * (random.u32() / 2 ** 32) * 10 ** random.between(-300, 300);
  });
}

/** What programs compute with: a few digits, a few decimals. */
function everyday(random: Random): number[] {
  return Array.from({ length: 300 }, () => {
    const number = random.between(-999_999, 999_999);
    return (number / 10 ** random.between(0, 6)) * (random.oneIn(3) ? 1.1 : 1);
  });
}

export function interestingNumbers(): number[] {
  const random = new Random(20);
  const powers = MANTISSAS.flatMap((m) => Array.from({ length: 40 }, (_, i) => m * 10 ** (i - 14)));
  return [...SPECIAL, ...powers, ...nearTies(random), ...anySize(random), ...everyday(random)];
}
