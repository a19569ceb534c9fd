/** Test signals, all deterministic. */

/** Numerical Recipes' generator, upper 16 bits, scaled; as in test/golden/dsp/make-golden.py. */
export function noise(seed: number, amplitude: number, length: number): Int16Array {
  let x = seed;
  return Int16Array.from({ length }, () => {
    x = (Math.imul(1664525, x) + 1013904223) >>> 0;
    return (((x >>> 16) - 32768) * amplitude) >> 15;
  });
}

/** Sine whose frequency runs from `from` to `to` (cycles a sample). */
export function chirp(from: number, to: number, amplitude: number, length: number): Int16Array {
  return Int16Array.from({ length }, (_, n) =>
    Math.round(amplitude * Math.sin(2 * Math.PI * (from * n + ((to - from) * n * n) / 2 / length))),
  );
}

export function square(period: number, length: number): Int16Array {
  return Int16Array.from({ length }, (_, n) => (n % period < period / 2 ? 32767 : -32768));
}

export function constant(value: number, length: number): Int16Array {
  return new Int16Array(length).fill(value);
}

export function click(at: number, value: number, length: number): Int16Array {
  const out = new Int16Array(length);
  out[at] = value;
  return out;
}

/** Edge cases by name, each of `length` samples. */
export function edgeCases(length: number): Record<string, Int16Array> {
  const cases: Record<string, Int16Array> = {
    silence: new Int16Array(length),
    empty: new Int16Array(0),
    'one sample': Int16Array.of(-32768),
    'all -32768': constant(-32768, length),
    'all 32767': constant(32767, length),
    'all 1': constant(1, length),
    'all -1': constant(-1, length),
    '-32768 and one 1': constant(-32768, length).fill(1, 100, 101),
    'twice as long': noise(9, 3000, 2 * length),
  };
  for (const period of [2, 3, 8, 50, 1000])
    cases[`square of period ${period}`] = square(period, length);
  for (const amplitude of [1, 10, 200, 32767]) {
    cases[`chirp of amplitude ${amplitude}`] = chirp(0.001, 0.499, amplitude, length);
    cases[`noise of amplitude ${amplitude}`] = noise(amplitude, amplitude, length);
  }
  for (const value of [1, -1, 32767, -32768]) {
    for (const at of [0, 160, 477, length - 1]) {
      cases[`click of ${value} at ${at}`] = click(at, value, length);
    }
  }
  return cases;
}
