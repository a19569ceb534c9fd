/**
 * The last step of the features, from coefficients to a model's int8 input, as the integers of
 * rt_dsp_quant_t (mfcc.h): round((x - mean[k]) / std[k] / scale) + zeroPoint.
 */

export const DSP_PROFILES = ['digits', 'mlperf-kws'] as const;
export type DspProfile = (typeof DSP_PROFILES)[number];

/** What rt_dsp_profile() calls a profile. */
export function dspProfileId(profile: DspProfile): number {
  return DSP_PROFILES.indexOf(profile);
}

/** Facts of the profiles that a program outside C needs; a test compares them with the tables. */
export const DSP_PROFILE_FACTS: Record<
  DspProfile,
  { rateHz: number; windowSamples: number; hopSamples: number; clipSamples: number; mels: number }
> = {
  digits: { rateHz: 8000, windowSamples: 320, hopSamples: 160, clipSamples: 8000, mels: 20 },
  'mlperf-kws': {
    rateHz: 16000,
    windowSamples: 480,
    hopSamples: 320,
    clipSamples: 16000,
    mels: 40,
  },
};

/**
 * Cycles of a Cortex-M0+ for a sample, a frame and the end of a window, when there is sound (digital
 * silence skips most of a frame): counted on the emulated RP2040, docs/dsp.md.
 */
export const DSP_PROFILE_CYCLES: Record<
  DspProfile,
  { sample: number; frame: number; window: number }
> = {
  digits: { sample: 20, frame: 81_300, window: 211_400 },
  'mlperf-kws': { sample: 19, frame: 81_100, window: 323_500 },
};

export const DSP_FRAMES = 49;
export const DSP_COEFFS = 10;

export interface DspQuantInput {
  /** Mean of each coefficient over the training data; default 0. */
  mean?: readonly number[] | undefined;
  /** Standard deviation of each coefficient; default 1. */
  std?: readonly number[] | undefined;
  /** Scale and zero point of the model's input tensor. */
  scale: number;
  zeroPoint: number;
}

/** rt_dsp_quant_t, field by field in its order. */
export interface DspQuant {
  mean: number[];
  multiplier: number[];
  shift: number[];
  zeroPoint: number;
}

const MEAN_LIMIT = 2 ** 25 / 65536;
const MAX_SHIFT = 30;

function perCoefficient(values: readonly number[] | undefined, fill: number, name: string) {
  const list = values ?? new Array<number>(DSP_COEFFS).fill(fill);
  if (list.length !== DSP_COEFFS || !list.every(Number.isFinite)) {
    throw new Error(`features: ${name} must be ${DSP_COEFFS} finite numbers`);
  }
  return list;
}

/** multiplier = 2^(shift + 10) / step with the largest shift that keeps it below 2^31. */
function stepMultiplier(step: number): { multiplier: number; shift: number } {
  if (!(step > 2 ** -20) || step > 2 ** 30) {
    throw new Error(
      `features: std times input scale is ${step}; it must be between 2^-20 and 2^30`,
    );
  }
  let shift = MAX_SHIFT;
  while (Math.round(2 ** (shift + 10) / step) >= 2 ** 31) shift -= 1;
  return { multiplier: Math.round(2 ** (shift + 10) / step), shift };
}

export function dspQuant(input: DspQuantInput): DspQuant {
  const mean = perCoefficient(input.mean, 0, 'mean');
  const std = perCoefficient(input.std, 1, 'std');
  if (!Number.isInteger(input.zeroPoint) || input.zeroPoint < -128 || input.zeroPoint > 127) {
    throw new Error(`features: zero point ${input.zeroPoint} is no int8`);
  }
  if (mean.some((m) => Math.abs(m) >= MEAN_LIMIT)) {
    throw new Error(`features: means must lie between -${MEAN_LIMIT} and ${MEAN_LIMIT}`);
  }
  const steps = std.map((s) => stepMultiplier(s * input.scale));
  return {
    mean: mean.map((m) => Math.round(m * 65536)),
    multiplier: steps.map((s) => s.multiplier),
    shift: steps.map((s) => s.shift),
    zeroPoint: input.zeroPoint,
  };
}

/** The struct as 31 words, for writing into an image or into WebAssembly memory. */
export function dspQuantWords(quant: DspQuant): Int32Array {
  return Int32Array.from([...quant.mean, ...quant.multiplier, ...quant.shift, quant.zeroPoint]);
}
