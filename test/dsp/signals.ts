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
