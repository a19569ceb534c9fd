/**
 * What work costs on a board's Cortex-M0+, for time and energy in the simulation. The firmware itself
 * estimates inference and training, since it cuts its work by that: rt_engine_row_cycles and the
 * units of native/engine/train.c. Features are counted here. All of it is fitted to counts on the
 * emulated RP2040; `npm run bench:rp2040` prints estimate and count side by side.
 */
import { DSP_PROFILE_CYCLES, DSP_PROFILE_FACTS, type DspProfile } from '../native/dsp/quant.ts';

/** Cycles that a sample, a frame and the end of a window take. */
export const featureCosts = (
  profile: DspProfile,
): { sample: number; frame: number; window: number } => DSP_PROFILE_CYCLES[profile];

/** Cycles of the features of one window, fed sample by sample. */
export function featureCycles(profile: DspProfile): number {
  const { sample, frame, window } = DSP_PROFILE_CYCLES[profile];
  const { clipSamples, windowSamples, hopSamples } = DSP_PROFILE_FACTS[profile];
  const frames = Math.floor((clipSamples - windowSamples) / hopSamples) + 1;
  return clipSamples * sample + frames * frame + window;
}

/** Counted in silence with the keyword app on the emulated chip (test/rp2040/listening.test.ts). */
const LISTENING_CYCLES_PER_SAMPLE = 227;

/** Cycles that a second of listening takes: levels of samples, the main loop, the waiting script. */
export function listeningCycles(rateHz: number): number {
  return LISTENING_CYCLES_PER_SAMPLE * rateHz;
}
