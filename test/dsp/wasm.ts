/** native/dsp as WebAssembly, called directly: one stream with its memory, as C would own it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  dspProfileId,
  dspQuantWords,
  type DspProfile,
  type DspQuant,
} from '../../native/dsp/quant.ts';
import { projectRoot } from '../support/data.ts';

type Call = (...args: number[]) => number;
/** Functions of mfcc.h, without their prefix. */
export const NAMES = [
  'profile',
  'state_bytes',
  'memory_bytes',
  'init',
  'feed',
  'run',
  'push',
  'discard',
  'window',
  'coefficients',
  'clip',
  'level',
  'overrun_samples',
] as const;
type Name = (typeof NAMES)[number];

const PAGE = 65536;
const OUTPUTS = 490;
const MAX_SAMPLES = 65536;

/** The firmware as committed: what users and boards get is what is tested. */
export const firmwareWasm = join(projectRoot, 'sim/firmware.wasm');

export class DspWasm {
  readonly memory: WebAssembly.Memory;
  readonly call: Record<Name, Call>;
  readonly profilePointer: number;
  private readonly state: number;
  private readonly ringMemory: number;
  private readonly samples: number;
  private readonly quant: number;
  private readonly out: number;

  /** @param file a module that exports rt_dsp_*; this object takes fresh pages of its memory. */
  constructor(
    readonly profile: DspProfile,
    readonly ringSamples = 1024,
    file = firmwareWasm,
  ) {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)));
    const exported = instance.exports as Record<string, unknown>;
    this.memory = exported['memory'] as WebAssembly.Memory;
    this.call = Object.fromEntries(
      NAMES.map((name) => [name, exported[`rt_dsp_${name}`] as Call]),
    ) as Record<Name, Call>;

    const first = this.memory.buffer.byteLength;
    this.memory.grow(Math.ceil((2 * MAX_SAMPLES) / PAGE) + 2);
    this.profilePointer = this.call.profile(dspProfileId(profile));
    const bytes = this.call.memory_bytes(this.profilePointer, ringSamples);
    this.samples = first;
    this.state = first + 2 * MAX_SAMPLES;
    this.quant = this.state + 256;
    this.out = this.quant + 128;
    this.ringMemory = this.out + 4 * OUTPUTS;
    const status = this.init(bytes);
    if (status !== 0) throw new Error(`rt_dsp_init: ${status}`);
  }

  /** Starts over; returns the status. */
  init(memoryBytes = this.call.memory_bytes(this.profilePointer, this.ringSamples), offset = 0) {
    return this.call.init(
      this.state,
      this.profilePointer,
      this.ringMemory + offset,
      memoryBytes,
      this.ringSamples,
    );
  }

  push(pcm: Int16Array): number {
    return this.withSamples(pcm, (at, n) => this.call.push(this.state, at, n));
  }

  feed(pcm: Int16Array): number {
    return this.withSamples(pcm, (at, n) => this.call.feed(this.state, at, n));
  }

  run(maxFrames = 0x7fffffff): number {
    return this.call.run(this.state, maxFrames);
  }

  discard(): void {
    this.call.discard(this.state);
  }

  /** Fills the history with one clip. */
  clip(pcm: Int16Array): void {
    const status = this.withSamples(pcm, (at, n) => this.call.clip(this.state, at, n, 0, 0));
    if (status !== 0) throw new Error(`rt_dsp_clip: ${status}`);
  }

  /** Status of the last window: 0, or 1 while frames are missing. */
  status = 0;

  coefficients(): Float64Array {
    this.status = this.call.coefficients(this.state, this.out);
    return Float64Array.from(
      new Int32Array(this.memory.buffer, this.out, OUTPUTS),
      (x) => x / 65536,
    );
  }

  window(quant: DspQuant): Int8Array {
    new Int32Array(this.memory.buffer, this.quant, 31).set(dspQuantWords(quant));
    this.status = this.call.window(this.state, this.quant, this.out);
    return new Int8Array(this.memory.buffer, this.out, OUTPUTS).slice();
  }

  /** dB of full scale; -128 is silence. */
  level(): number {
    return this.call.level(this.state) / 256;
  }

  overruns(): number {
    return this.call.overrun_samples(this.state);
  }

  private withSamples(pcm: Int16Array, use: (at: number, count: number) => number): number {
    if (pcm.length > MAX_SAMPLES) throw new Error('too many samples at once for this test');
    new Int16Array(this.memory.buffer, this.samples, pcm.length).set(pcm);
    return use(this.samples, pcm.length);
  }
}
