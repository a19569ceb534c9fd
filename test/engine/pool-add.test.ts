/**
 * Average pooling and ADD of the boards: machine code and portable C against TensorFlow
 * Lite's definitions, on random data and at the ends of every range.
 */
import { describe, expect, it } from 'vitest';
import { RtAdd } from '../../compiler/model.ts';
import { addParameters } from '../../compiler/quantize.ts';
import { requantised } from '../../compiler/requantise.ts';
import { KernelImages, runKernel } from '../support/kernel.ts';
import { Random } from '../support/random.ts';

const { machines } = new KernelImages(['pool.c', 'add.c']);

const fill = (count: number, of: () => number): Int8Array => Int8Array.from({ length: count }, of);

const DATA: Record<string, (random: Random) => number> = {
  random: (random) => random.int8(),
  lowest: () => -128,
  highest: () => 127,
  ends: (random) => (random.oneIn(2) ? -128 : 127),
};

interface Window {
  height: number;
  width: number;
  channels: number;
  kernel: [height: number, width: number];
  stride: [height: number, width: number];
  pad: [top: number, left: number];
  out: [height: number, width: number];
}

const WINDOWS: Window[] = [
  // The whole input, of a size that words can hold: 1, 125 and 256 taps, and one that they cannot.
  { height: 1, width: 1, channels: 4, kernel: [1, 1], stride: [1, 1], pad: [0, 0], out: [1, 1] },
  { height: 25, width: 5, channels: 8, kernel: [25, 5], stride: [1, 1], pad: [0, 0], out: [1, 1] },
  {
    height: 16,
    width: 16,
    channels: 4,
    kernel: [16, 16],
    stride: [1, 1],
    pad: [0, 0],
    out: [1, 1],
  },
  {
    height: 17,
    width: 16,
    channels: 4,
    kernel: [17, 16],
    stride: [1, 1],
    pad: [0, 0],
    out: [1, 1],
  },
  // Windows that move, with padding on all sides; channels that are no words.
  { height: 6, width: 7, channels: 12, kernel: [2, 3], stride: [2, 2], pad: [0, 1], out: [3, 4] },
  { height: 5, width: 5, channels: 4, kernel: [3, 3], stride: [1, 1], pad: [1, 1], out: [5, 5] },
  { height: 5, width: 4, channels: 3, kernel: [3, 3], stride: [1, 1], pad: [1, 1], out: [5, 4] },
];

function pooled(w: Window, x: Int8Array, min: number, max: number): Int8Array {
  return Int8Array.from({ length: w.out[0] * w.out[1] * w.channels }, (_, at) => {
    const c = at % w.channels;
    const left = (Math.floor(at / w.channels) % w.out[1]) * w.stride[1] - w.pad[1];
    const top = Math.floor(at / w.channels / w.out[1]) * w.stride[0] - w.pad[0];
    let [sum, count] = [0, 0];
    for (let row = Math.max(0, top); row < Math.min(w.height, top + w.kernel[0]); row++) {
      for (let k = Math.max(0, left); k < Math.min(w.width, left + w.kernel[1]); k++) {
        sum += x[(row * w.width + k) * w.channels + c] ?? 0;
        count++;
      }
    }
    const mean = Math.sign(sum) * Math.floor((Math.abs(sum) + Math.floor(count / 2)) / count);
    return Math.min(max, Math.max(min, mean));
  });
}

describe('rt_pool_row', () => {
  for (const [name, draw] of Object.entries(DATA)) {
    it(`is the mean, halves away from zero: ${name}`, () => {
      const random = new Random(17);
      for (const w of WINDOWS) {
        const x = fill(w.height * w.width * w.channels, () => draw(random));
        for (const [min, max] of [
          [-128, 127],
          [-20, 30],
        ] as const) {
          const call = {
            row: 'rt_pool_row',
            layer: {
              kernel_height: w.kernel[0],
              kernel_width: w.kernel[1],
              stride_height: w.stride[0],
              stride_width: w.stride[1],
              pad_top: w.pad[0],
              pad_left: w.pad[1],
              activation_min: min,
              activation_max: max,
            },
            input: { ...w, zeroPoint: 0 },
            output: { height: w.out[0], width: w.out[1], channels: w.channels, zeroPoint: 0 },
            x,
          };
          const expected = pooled(w, x, min, max);
          for (const machine of machines) expect(runKernel(machine, call)).toEqual(expected);
        }
      }
    });
  }

  it('rounds every sum of every number of taps up to 256', () => {
    const height = 1;
    for (let taps = 1; taps <= 256; taps += taps < 40 ? 1 : 27) {
      const channels = 512;
      const w: Window = {
        height,
        width: taps,
        channels,
        kernel: [1, taps],
        stride: [1, 1],
        pad: [0, 0],
        out: [1, 1],
      };
      // Channel c: all taps near one value, with c of them one more; sums in every remainder.
      const x = fill(taps * channels, () => 0).map((_, at) => {
        const [tap, c] = [Math.floor(at / channels), at % channels];
        return Math.max(-128, Math.min(127, (c >> 1) - 128 + (tap < (c * 7) % taps ? 1 : 0)));
      });
      const layer = { kernel_height: 1, kernel_width: taps, stride_height: 1, stride_width: 1 };
      const call = {
        row: 'rt_pool_row',
        layer: { ...layer, activation_min: -128, activation_max: 127 },
        input: { ...w, zeroPoint: 0 },
        output: { height, width: 1, channels, zeroPoint: 0 },
        x,
      };
      const expected = pooled(w, x, -128, 127);
      for (const machine of machines) expect(runKernel(machine, call)).toEqual(expected);
    }
  });
});

interface Sum {
  scales: [input1: number, input2: number, output: number];
  zeroPoints: [input1: number, input2: number, output: number];
  min: number;
  max: number;
}

const SUMS: Sum[] = [
  { scales: [0.05, 0.05, 0.05], zeroPoints: [-128, -128, -128], min: -128, max: 127 },
  { scales: [0.021, 0.047, 0.06], zeroPoints: [3, -7, 12], min: -128, max: 127 },
  { scales: [0.3, 0.001, 0.2], zeroPoints: [127, -128, 0], min: 0, max: 127 },
  { scales: [0.1, 0.1, 1.7], zeroPoints: [-128, 127, -128], min: -128, max: 90 },
  { scales: [0.037, 1e-6, 0.02], zeroPoints: [127, 127, 127], min: -128, max: 127 },
  // Outputs much finer than their inputs: beyond what two multiplies are exact for.
  { scales: [0.5, 0.4, 0.01], zeroPoints: [-3, 5, -128], min: -128, max: 127 },
  { scales: [300, 1, 0.001], zeroPoints: [0, 0, 0], min: -128, max: 127 },
];

describe('rt_add_row', () => {
  // Every pair by the machine code; the portable version, which traps, is slow.
  it.each([
    [0, 1],
    [1, 7],
  ])('is the reference for pairs of values: version %i, every %i-th', (version, distance) => {
    const machine = machines[version];
    if (machine === undefined) throw new Error(`there is no version ${version}`);
    for (const { scales, zeroPoints, min, max } of SUMS) {
      const [z1, z2, zero] = zeroPoints;
      const parameters = addParameters(...scales);
      const length = Math.ceil((256 * 256) / distance);
      const all = Array.from({ length }, (_, i) => i * distance);
      const shape = { height: 1, width: 1, channels: length };
      const x = Int8Array.from(all, (i) => (i >> 8) - 128);
      const x2 = Int8Array.from(all, (i) => (i & 255) - 128);
      const side = (which: 1 | 2, zeroPoint: number): number[] =>
        Array.from({ length: 256 }, (_, i) => {
          const value = BigInt(i - 128 - zeroPoint) << BigInt(parameters.left_shift);
          const multiplier = parameters[`input${which}_multiplier`] ?? 0;
          return requantised(value, multiplier, parameters[`input${which}_shift`] ?? 0, 0);
        });
      const [first, second] = [side(1, z1), side(2, z2)];
      const expected = Int8Array.from(all, (i) => {
        const sum = (first[i >> 8] ?? 0) + (second[i & 255] ?? 0);
        const { output_multiplier, output_shift } = parameters;
        const shifted = BigInt.asIntN(32, BigInt(sum) << BigInt(Math.max(0, output_shift)));
        const right = Math.min(0, output_shift);
        const q = requantised(shifted, output_multiplier, right, zero);
        return Math.min(max, Math.max(min, q));
      });
      const table = Int32Array.from(RtAdd.fields, ({ name }) => parameters[name] ?? 0);
      const call = {
        row: 'rt_add_row',
        layer: { add: table, activation_min: min, activation_max: max },
        input: { ...shape, zeroPoint: z1 },
        output: { ...shape, zeroPoint: zero },
        x,
        x2,
        zeroPoint2: z2,
      };
      const y = runKernel(machine, call);
      // toEqual of 65,536 elements is slow.
      expect(Buffer.compare(Buffer.from(y), Buffer.from(expected))).toBe(0);
    }
  });
});
