/** native/dsp in the firmware: from samples to the int8 input of a model. */
import { RetuneError } from '../cli/error.ts';
import { DSP_COEFFS, DSP_FRAMES, DSP_PROFILE_FACTS, type DspProfile } from '../native/dsp/quant.ts';
import type { FirmwareInterface } from './firmware.ts';

const WINDOW_BYTES = DSP_FRAMES * DSP_COEFFS;
const RING_SAMPLES = 1024;

export class FeatureExtractor {
  /** Samples a second. */
  readonly sampleRate: number;
  /** Length to which a clip is padded or cut. */
  readonly windowSamples: number;

  private readonly state: number;
  private readonly output: number;
  private samples = 0;
  private capacity = 0;

  /** @param quant address of the model's rt_dsp_quant_t */
  constructor(
    private readonly firmware: FirmwareInterface,
    readonly profile: DspProfile,
    profileId: number,
    private readonly quant: number,
  ) {
    const facts = DSP_PROFILE_FACTS[profile];
    this.sampleRate = facts.rateHz;
    this.windowSamples = facts.clipSamples;
    const table = firmware.call('rt_dsp_profile', profileId);
    const bytes = firmware.call('rt_dsp_memory_bytes', table, RING_SAMPLES);
    const memory = firmware.allocate(bytes);
    this.state = firmware.allocate(firmware.call('rt_dsp_state_bytes'));
    this.output = firmware.allocate(WINDOW_BYTES);
    firmware.check(profile, 'rt_dsp_init', this.state, table, memory, bytes, RING_SAMPLES);
  }

  /** The features of a whole clip, padded or cut to the window as in training. */
  clip(pcm: Int16Array): Int8Array {
    if (pcm.length === 0) throw new RetuneError('a clip without samples; give at least one');
    const at = this.place(pcm);
    this.firmware.call('rt_dsp_clip', this.state, at, pcm.length, this.quant, this.output);
    return this.firmware.i8(this.output, WINDOW_BYTES).slice();
  }

  private place(pcm: Int16Array): number {
    if (pcm.length > this.capacity) {
      this.capacity = Math.max(pcm.length, 2 * this.windowSamples);
      this.samples = this.firmware.allocate(2 * this.capacity);
    }
    this.firmware.i16(this.samples, pcm.length).set(pcm);
    return this.samples;
  }
}

/**
 * How far a window is from what the base model was trained on: the root mean square, over the
 * cepstral coefficients 1 and up, of the window's mean feature in standard deviations of the
 * training data. Coefficient 0 is loudness.
 */
export function featureShift(input: Int8Array, scale: number, zeroPoint: number): number {
  let squares = 0;
  for (let k = 1; k < DSP_COEFFS; k++) {
    let sum = 0;
    for (let frame = 0; frame < DSP_FRAMES; frame++) {
      sum += (input[frame * DSP_COEFFS + k] ?? 0) - zeroPoint;
    }
    squares += ((sum * scale) / DSP_FRAMES) ** 2;
  }
  return Math.sqrt(squares / (DSP_COEFFS - 1));
}
