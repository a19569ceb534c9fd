/**
 * The two feature profiles in float64, written from their definition (docs/dsp.md) and checked
 * against the Python references' golden coefficients. What native/dsp is compared with.
 */
import type { DspProfile } from '../../native/dsp/quant.ts';

const FFT = 512;
const BINS = FFT / 2 + 1;
export const FRAMES = 49;
export const COEFFS = 10;

/** Weights of all bins, zero before `first` and from `last` on. */
interface Band {
  weights: Float64Array;
  first: number;
  last: number;
}

interface FloatProfile {
  window: Float64Array;
  hop: number;
  clip: number;
  bank: Band[];
  dct: Float64Array[];
  power: boolean;
  floor: number;
  /** Scale of coefficient k. */
  gain: (k: number) => number;
  prepare: (pcm: Int16Array) => Float64Array;
}

const hann = (length: number, period: number) =>
  Float64Array.from({ length }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / period));

/** Triangle between a and c with its top at b; the top belongs to the falling side. */
function triangle(x: number, a: number, b: number, c: number): number {
  if (x < a || x >= c) return 0;
  return x < b ? (x - a) / (b - a) : (c - x) / (c - b);
}

function band(weight: (bin: number) => number): Band {
  const weights = Float64Array.from({ length: BINS }, (_, k) => weight(k));
  const first = weights.findIndex((w) => w > 0);
  return { weights, first, last: weights.findLastIndex((w) => w > 0) + 1 };
}

function digitsBank(): Band[] {
  const low = 2595 * Math.log10(1 + 60 / 700);
  const high = 2595 * Math.log10(1 + 3800 / 700);
  const edge = (i: number) => {
    const hz = 700 * (10 ** ((low + ((high - low) * i) / 21) / 2595) - 1);
    return Math.floor(((FFT + 1) * hz) / 8000);
  };
  return Array.from({ length: 20 }, (_, i) =>
    band((k) => triangle(k, edge(i), edge(i + 1), edge(i + 2))),
  );
}

function kwsBank(): Band[] {
  const mel = (hz: number) => 1127 * Math.log(1 + hz / 700);
  const edge = (i: number) => mel(20) + ((mel(4000) - mel(20)) * i) / 41;
  return Array.from({ length: 40 }, (_, i) =>
    band((k) => triangle(mel((k * 16000) / FFT), edge(i), edge(i + 1), edge(i + 2))),
  );
}

const dctRows = (mels: number): Float64Array[] =>
  Array.from({ length: COEFFS }, (_, k) =>
    Float64Array.from({ length: mels }, (__, n) =>
      Math.cos((Math.PI * k * (2 * n + 1)) / (2 * mels)),
    ),
  );

const PROFILES: Record<DspProfile, FloatProfile> = {
  digits: {
    window: hann(320, 319),
    hop: 160,
    clip: 8000,
    bank: digitsBank(),
    dct: dctRows(20),
    power: true,
    floor: 1e-5,
    gain: (k) => Math.sqrt((k === 0 ? 1 : 2) / 20),
    prepare: (pcm) => {
      const out = new Float64Array(8000);
      const cut = Math.max(0, Math.floor((pcm.length - 8000) / 2));
      const pad = Math.max(0, Math.floor((8000 - pcm.length) / 2));
      pcm.subarray(cut, cut + 8000).forEach((x, i) => (out[pad + i] = x / 32768));
      return out;
    },
  },
  'mlperf-kws': {
    window: hann(480, 480),
    hop: 320,
    clip: 16000,
    bank: kwsBank(),
    dct: dctRows(40),
    power: false,
    floor: 1e-6,
    gain: () => 2 / Math.sqrt(80),
    prepare: (pcm) => {
      const out = new Float64Array(16000);
      const peak = pcm.reduce((a, b) => Math.max(a, b), 0) || 1;
      pcm.subarray(0, 16000).forEach((x, i) => (out[i] = x / peak));
      return out;
    },
  },
};

const COSINES = Float64Array.from({ length: FFT }, (_, k) => Math.cos((2 * Math.PI * k) / FFT));
const SINES = Float64Array.from({ length: FFT }, (_, k) => Math.sin((2 * Math.PI * k) / FFT));

/** In-place complex FFT, radix 2, decimation in time. */
function fft(re: Float64Array, im: Float64Array): void {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j |= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j]!, re[i]!];
      [im[i], im[j]] = [im[j]!, im[i]!];
    }
  }
  for (let span = 2; span <= n; span *= 2) {
    for (let k = 0; k < span / 2; k++) {
      const c = COSINES[(k * FFT) / span]!;
      const s = -SINES[(k * FFT) / span]!;
      for (let i = k; i < n; i += span) {
        const j = i + span / 2;
        const x = re[j]! * c - im[j]! * s;
        const y = re[j]! * s + im[j]! * c;
        re[j] = re[i]! - x;
        im[j] = im[i]! - y;
        re[i] = re[i]! + x;
        im[i] = im[i]! + y;
      }
    }
  }
}

function frameCoefficients(p: FloatProfile, frame: Float64Array, out: Float64Array): void {
  const re = new Float64Array(FFT);
  const im = new Float64Array(FFT);
  frame.forEach((x, n) => (re[n] = x * p.window[n]!));
  fft(re, im);
  const spectrum = Float64Array.from({ length: BINS }, (_, k) => {
    const power = re[k]! ** 2 + im[k]! ** 2;
    return p.power ? power : Math.sqrt(power);
  });
  const logs = p.bank.map((row) => {
    let sum = 0;
    for (let k = row.first; k < row.last; k++) sum += row.weights[k]! * spectrum[k]!;
    return Math.log(sum + p.floor);
  });
  for (let k = 0; k < COEFFS; k++) {
    let sum = 0;
    const row = p.dct[k]!;
    logs.forEach((y, n) => (sum += y * row[n]!));
    out[k] = sum * p.gain(k);
  }
}

/** Coefficients of a whole clip, [49 * 10]. */
export function mfcc(profile: DspProfile, pcm: Int16Array): Float64Array {
  const p = PROFILES[profile];
  const x = p.prepare(pcm);
  const out = new Float64Array(FRAMES * COEFFS);
  for (let f = 0; f < FRAMES; f++) {
    const frame = x.subarray(f * p.hop, f * p.hop + p.window.length);
    frameCoefficients(p, frame, out.subarray(f * COEFFS, (f + 1) * COEFFS));
  }
  return out;
}

/** As the float pipeline quantises: numpy's round half to even, then clamp. */
export function quantise(
  coefficients: Float64Array,
  input: {
    mean?: readonly number[] | undefined;
    std?: readonly number[] | undefined;
    scale: number;
    zeroPoint: number;
  },
): Int8Array {
  return Int8Array.from(coefficients, (x, i) => {
    const k = i % COEFFS;
    const y = (x - (input.mean?.[k] ?? 0)) / (input.std?.[k] ?? 1) / input.scale;
    const floor = Math.floor(y);
    const round = y - floor === 0.5 ? floor + (floor & 1) : Math.round(y);
    return Math.max(-128, Math.min(127, round + input.zeroPoint));
  });
}
