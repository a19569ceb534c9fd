/** Properties of the fixed-point arithmetic of native/engine/fixed.h and loss.h. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Firmware } from '../../sim/firmware.ts';

const firmware = new Firmware();
const memory = firmware.allocate(4096);
const unsigned = (value: number): number => value >>> 0;
const call = (name: string, ...args: number[]): number => firmware.call(name, ...args);

describe('random numbers', () => {
  /** A generator's state lives in memory. */
  const seeded = (seed: number): number => {
    firmware.u32(memory, 1)[0] = unsigned(call('rt_fixed_seed', seed));
    return memory;
  };

  it('seeds are never zero, which would stay zero', () => {
    fc.assert(fc.property(fc.nat(), (seed) => call('rt_fixed_seed', seed) !== 0));
  });

  it('below(n) covers 0..n-1 evenly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(), (bound, seed) => {
        const state = seeded(seed);
        const counts = new Array<number>(bound).fill(0);
        const draws = 400 * bound;
        for (let i = 0; i < draws; i++) {
          const value = call('rt_fixed_random_below', state, bound);
          counts[value] = (counts[value] ?? NaN) + 1;
        }
        // 6.5 standard deviations of a count of mean 400
        expect(Math.max(...counts.map((count) => Math.abs(count - 400)))).toBeLessThan(130);
      }),
      { numRuns: 20, seed: 1 },
    );
  });

  it('normal numbers have mean 0 and the deviation asked for', () => {
    for (const sigma of [64, 256, 1000, 20000]) {
      const state = seeded(sigma);
      const values = Array.from({ length: 4000 }, () =>
        call('rt_fixed_random_normal', state, sigma),
      );
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const deviation = Math.sqrt(values.reduce((a, b) => a + b * b, 0) / values.length);
      expect(Math.abs(mean)).toBeLessThan(0.06 * sigma + 1);
      expect(Math.abs(deviation / sigma - 1)).toBeLessThan(0.04);
    }
  });
});

describe('stochastic rounding', () => {
  const scaled = (x: number, mantissa: number, shift: number, random: number): number => {
    firmware.i32(memory, 2).set([mantissa, shift]);
    return call('rt_fixed_scale_stochastic', x, memory, random, 0x3fffffff);
  };

  it('is unbiased', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -32768, max: 32767 }),
        fc.integer({ min: 16384, max: 32767 }),
        fc.integer({ min: 1, max: 30 }),
        (x, mantissa, shift) => {
          const exact = (x * mantissa) / 2 ** shift;
          // Random words spread evenly over 0..2^32 average to the exact value.
          let sum = 0;
          for (let i = 0; i < 1024; i++) sum += scaled(x, mantissa, shift, (i + 0.5) * 2 ** 22);
          expect(Math.abs(sum / 1024 - exact)).toBeLessThan(0.002 + Math.abs(exact) * 1e-9);
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  it('is one of the two neighbours', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -32768, max: 32767 }),
        fc.integer({ min: 16384, max: 32767 }),
        fc.integer({ min: 0, max: 30 }),
        fc.nat(),
        (x, mantissa, shift, random) => {
          const exact = (x * mantissa) / 2 ** shift;
          const got = scaled(x, mantissa, shift, random);
          return got === Math.floor(exact) || got === Math.floor(exact) + 1;
        },
      ),
    );
  });
});

describe('scale_wide', () => {
  it('is the product rounded towards 0, or the limit', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 16384, max: 32767 }),
        fc.integer({ min: -20, max: 60 }),
        fc.integer({ min: 1, max: 2 ** 29 }),
        (x, mantissa, shift, limit) => {
          firmware.i32(memory, 2).set([mantissa, shift]);
          const got = call('rt_fixed_scale_wide', x, memory, limit);
          const exact = (x * mantissa) / 2 ** shift;
          if (Math.abs(got) === limit) return Math.abs(exact) >= limit;
          return Math.abs(got) <= Math.abs(exact) && Math.abs(got - exact) < 1;
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('reals', () => {
  const MANTISSA = fc.integer({ min: 2 ** 30, max: 2 ** 31 - 1 });
  const EXPONENT = fc.integer({ min: -20, max: 20 });
  const real = fc.tuple(MANTISSA, EXPONENT);
  const valueOf = ([mantissa, exponent]: readonly number[]): number =>
    (mantissa ?? NaN) * 2 ** ((exponent ?? NaN) - 31);
  /** Calls a function that takes reals and returns one: structures are passed by address. */
  const compute = (name: string, ...args: (readonly number[])[]): number => {
    args.forEach((arg, i) => firmware.i32(memory + 64 + 8 * i, 2).set(arg));
    call(name, memory, ...args.map((_, i) => memory + 64 + 8 * i));
    return valueOf([...firmware.i32(memory, 2)]);
  };
  const close = (got: number, exact: number, relative: number): boolean =>
    Math.abs(got - exact) <= Math.abs(exact) * relative;

  it('multiply, divide, add', () => {
    fc.assert(
      fc.property(real, real, (a, b) => {
        const [x, y] = [valueOf(a), valueOf(b)];
        expect(close(compute('rt_real_multiply', a, b), x * y, 2 ** -29)).toBe(true);
        expect(close(compute('rt_real_divide', a, b), x / y, 2 ** -29)).toBe(true);
        expect(close(compute('rt_real_add', a, b), x + y, 2 ** -29)).toBe(true);
      }),
    );
  });

  it('square root', () => {
    fc.assert(
      fc.property(real, (a) => close(compute('rt_real_sqrt', a), Math.sqrt(valueOf(a)), 2 ** -14)),
    );
  });

  it('apply is the rounded product, or the limit', () => {
    fc.assert(
      fc.property(real, fc.integer(), (a, x) => {
        firmware.i32(memory, 2).set(a);
        const got = call('rt_real_apply', memory, x);
        const exact = Math.max(-(2 ** 30) + 1, Math.min(2 ** 30 - 1, valueOf(a) * x));
        return Math.abs(got - exact) <= 0.5000001;
      }),
    );
  });
});

describe('functions', () => {
  it('exp(-x) within 3 units of Q20 and 1.5e-5', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20 * 65536 }), (x) => {
        const exact = Math.exp(-x / 65536) * 2 ** 20;
        return Math.abs(unsigned(call('rt_fixed_exp_negative', x)) - exact) <= 3 + exact * 1.5e-5;
      }),
      { numRuns: 3000 },
    );
  });

  it('ln(x) within 2 units of Q16', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2 ** 20, max: 2 ** 31 }), (x) => {
        const exact = Math.log(x / 2 ** 20) * 65536;
        return Math.abs(unsigned(call('rt_fixed_log', x)) - exact) <= 2;
      }),
      { numRuns: 3000 },
    );
  });

  it('square root rounds down', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (x) => {
        return unsigned(call('rt_fixed_sqrt', x)) === Math.floor(Math.sqrt(x));
      }),
      { numRuns: 2000 },
    );
  });

  it('divides as the processor would', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.integer({ min: 1, max: 2 ** 32 - 1 }),
        (a, b) => unsigned(call('rt_fixed_divide', a, b)) === Math.floor(a / b),
      ),
      { numRuns: 2000 },
    );
  });

  it('about 2^30 / x', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2 ** 14, max: 2 ** 15 }), (x) => {
        const got = call('rt_fixed_reciprocal', x);
        return Math.abs(got - 2 ** 30 / x) <= 3 && got <= 2 ** 16;
      }),
      { numRuns: 5000 },
    );
  });

  it('the learning rate falls as half a cosine', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65535 }), fc.nat({ max: 65535 }), (steps, at) => {
        const step = at % (steps + 1);
        const exact = (1 + Math.cos((Math.PI * step) / steps)) / 2;
        const position = step * Math.floor(0xffffffff / steps);
        return Math.abs(call('rt_fixed_cosine_decay', position | 0) / 32768 - exact) < 0.0005;
      }),
    );
  });
});

describe('softmax cross-entropy', () => {
  const logits = fc.array(fc.double({ min: -30, max: 30, noNaN: true }), {
    minLength: 2,
    maxLength: 40,
  });
  /** An rt_loss_target_t. */
  const target = (classes: number, smoothing: number): number => {
    call('rt_loss_target', memory + 3072, classes, smoothing);
    return memory + 3072;
  };

  it('probabilities, gradient and loss as in real numbers', () => {
    fc.assert(
      fc.property(logits, fc.nat(), (z, at) => {
        const label = at % z.length;
        firmware.i32(memory, z.length).set(z.map((value) => Math.round(value * 65536)));
        const loss = unsigned(
          call(
            'rt_loss_cross_entropy',
            memory,
            z.length,
            label,
            target(z.length, 0),
            memory + 2048,
          ),
        );
        const top = Math.max(...z);
        const e = z.map((value) => Math.exp(value - top));
        const sum = e.reduce((a, b) => a + b, 0);
        expect(Math.abs(loss / 65536 - (Math.log(sum) + top - (z[label] ?? 0)))).toBeLessThan(2e-4);
        const gradient = firmware.i32(memory + 2048, z.length);
        e.forEach((value, c) => {
          const exact = value / sum - (c === label ? 1 : 0);
          expect(Math.abs((gradient[c] ?? NaN) / 32768 - exact)).toBeLessThan(1.5e-4);
        });
      }),
      { numRuns: 500 },
    );
  });

  it('the winner is the first of the largest, and the margin its lead', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 2, maxLength: 9 }),
        (z) => {
          firmware.i32(memory, z.length).set(z);
          const sorted = [...z].sort((a, b) => b - a);
          expect(call('rt_loss_argmax', memory, z.length)).toBe(z.indexOf(sorted[0] ?? NaN));
          expect(call('rt_loss_margin', memory, z.length)).toBe(
            (sorted[0] ?? 0) - (sorted[1] ?? 0),
          );
        },
      ),
    );
  });

  it('aims at the smoothed label', () => {
    fc.assert(
      fc.property(logits, fc.nat(), fc.integer({ min: 0, max: 16384 }), (z, pick, smoothing) => {
        const label = pick % z.length;
        firmware.i32(memory, z.length).set(z.map((value) => Math.round(value * 65536)));
        const aim = target(z.length, smoothing);
        call('rt_loss_cross_entropy', memory, z.length, label, aim, memory + 2048);
        const gradient = [...firmware.i32(memory + 2048, z.length)];
        const sum = z.reduce((total, value) => total + Math.exp(value), 0);
        const epsilon = smoothing / 32768;
        z.forEach((value, c) => {
          const target = (c === label ? 1 - epsilon : 0) + epsilon / z.length;
          const expected = Math.exp(value) / sum - target;
          expect(Math.abs((gradient[c] ?? NaN) / 32768 - expected)).toBeLessThan(3e-4);
        });
      }),
    );
  });
});

describe('CRC-32', () => {
  it('is that of zip: the check value of "123456789"', () => {
    firmware.u8(memory, 9).set(new TextEncoder().encode('123456789'));
    expect(unsigned(call('rt_blob_crc32', 0, memory, 9))).toBe(0xcbf43926);
  });
});
