/**
 * The 3x3 depthwise kernel of the boards: machine code and portable C against the definition, for
 * every way a window can lie, on random and extreme data.
 */
import { describe, expect, it } from 'vitest';
import type { Rp2040Machine } from '../../bench/rp2040/machine.ts';
import { packDepthwise, type DepthwiseChannels } from '../../compiler/depthwise.ts';
import { quickTable, requantised } from '../../compiler/requantise.ts';
import { KernelImages, runKernel } from '../support/kernel.ts';
import { Random } from '../support/random.ts';

const FILES = ['depthwise.c', 'depthwise_3x3.c', 'requantise.c', 'quick.c'];
const { machines } = new KernelImages(FILES);

interface Shape {
  height: number;
  width: number;
  channels: number;
  stride: [height: number, width: number];
  pad: [top: number, left: number];
  out: [height: number, width: number];
}

function shape(
  height: number,
  width: number,
  channels: number,
  stride: [number, number],
  padding: 'SAME' | 'VALID',
): Shape {
  const axis = (size: number, step: number): { out: number; pad: number } => {
    if (padding === 'VALID') return { out: Math.floor((size - 3) / step) + 1, pad: 0 };
    const out = Math.ceil(size / step);
    return { out, pad: Math.floor(Math.max(0, (out - 1) * step + 3 - size) / 2) };
  };
  const [y, x] = [axis(height, stride[0]), axis(width, stride[1])];
  return { height, width, channels, stride, pad: [y.pad, x.pad], out: [y.out, x.out] };
}

const SHAPES: Shape[] = [
  shape(25, 5, 8, [1, 1], 'SAME'),
  shape(3, 3, 2, [1, 1], 'SAME'),
  shape(4, 1, 17, [1, 1], 'SAME'),
  shape(4, 2, 3, [1, 1], 'SAME'),
  shape(5, 9, 11, [1, 1], 'VALID'),
  shape(3, 3, 4, [1, 1], 'VALID'),
  shape(6, 6, 9, [2, 2], 'SAME'),
  shape(7, 7, 9, [2, 2], 'SAME'),
  shape(8, 5, 6, [2, 2], 'VALID'),
  shape(8, 6, 6, [2, 2], 'VALID'),
  shape(25, 5, 5, [2, 2], 'SAME'),
  shape(5, 1, 3, [1, 2], 'SAME'),
  shape(5, 2, 3, [3, 2], 'SAME'),
  shape(9, 4, 3, [2, 1], 'SAME'),
];

interface Case extends DepthwiseChannels {
  shape: Shape;
  x: Int8Array;
}

type Draw = (random: Random) => number;
interface Data {
  x: Draw;
  weight: Draw;
  bias: Draw;
  multiplier: Draw;
  shift: Draw;
  zeroPoint: Draw;
  range: (zeroPoint: number) => { min: number; max: number };
}

const DATA: Record<string, Data> = {
  'random, behind a ReLU': {
    x: (r) => r.int8(),
    weight: (r) => Math.max(-127, r.int8()),
    bias: (r) => r.between(-20000, 20000),
    multiplier: (r) => r.between(2 ** 30, 2 ** 31 - 1),
    shift: (r) => -r.between(5, 9),
    zeroPoint: () => -128,
    range: (min) => ({ min, max: 127 }),
  },
  'random, any output': {
    x: (r) => r.int8(),
    weight: (r) => r.int8() >> 2,
    bias: (r) => r.between(-3000, 3000),
    multiplier: (r) => r.between(2 ** 30, 2 ** 31 - 1),
    shift: () => -8,
    zeroPoint: (r) => r.int8(),
    range: () => ({ min: -128, max: 127 }),
  },
  'ends of everything': {
    x: (r) => (r.oneIn(2) ? -128 : 127),
    weight: (r) => (r.oneIn(2) ? -127 : 127),
    bias: (r) => (r.oneIn(2) ? -(2 ** 30) : 2 ** 30),
    multiplier: (r) => (r.oneIn(2) ? 2 ** 30 : 2 ** 31 - 1),
    shift: (r) => r.pick([0, -1, -9, -31]),
    zeroPoint: (r) => r.pick([-128, 127]),
    range: (min) => ({ min: Math.min(min, 0), max: 90 }),
  },
  'channels without weights, scales over 1': {
    x: (r) => r.int8(),
    weight: (r) => (r.oneIn(2) ? 0 : 1),
    bias: (r) => r.between(-100, 100),
    multiplier: (r) => r.pick([0, 2 ** 30, 1518500250]),
    shift: (r) => r.pick([-31, 0, 1, 3]),
    zeroPoint: (r) => r.pick([-128, 0, 127]),
    range: () => ({ min: -128, max: 127 }),
  },
};

function draw(shape: Shape, data: Data, random: Random): Case {
  const { channels } = shape;
  const list = (count: number, of: Draw): number[] =>
    Array.from({ length: count }, () => of(random));
  const outputZeroPoint = data.zeroPoint(random);
  return {
    shape,
    x: Int8Array.from(list(shape.height * shape.width * channels, data.x)),
    weights: Int8Array.from(list(9 * channels, data.weight)),
    bias: Int32Array.from(list(channels, data.bias)),
    multiplier: Int32Array.from(list(channels, data.multiplier)),
    shift: Int32Array.from(list(channels, data.shift)),
    inputZeroPoint: random.pick([-128, -3, 127]),
    outputZeroPoint,
    range: data.range(outputZeroPoint),
  };
}

function definition(test: Case): Int8Array {
  const { height, width, channels, stride, pad, out } = test.shape;
  const y = new Int8Array(out[0] * out[1] * channels);
  y.forEach((_, at) => {
    const c = at % channels;
    const column = Math.floor(at / channels) % out[1];
    const row = Math.floor(at / channels / out[1]);
    let sum = test.bias[c] ?? 0;
    for (let tap = 0; tap < 9; tap++) {
      const r = row * stride[0] - pad[0] + Math.floor(tap / 3);
      const k = column * stride[1] - pad[1] + (tap % 3);
      const inside = r >= 0 && r < height && k >= 0 && k < width;
      const x = inside ? test.x[(r * width + k) * channels + c] : test.inputZeroPoint;
      sum += (x ?? 0) * (test.weights[tap * channels + c] ?? 0);
    }
    const { min, max } = test.range;
    const { multiplier, shift, outputZeroPoint } = test;
    const q = requantised(BigInt(sum), multiplier[c] ?? 0, shift[c] ?? 0, outputZeroPoint);
    y[at] = Math.min(max, Math.max(min, q));
  });
  return y;
}

/** All rows; with the packed table unless `plain`. */
function run(machine: Rp2040Machine, test: Case, plain: boolean): Int8Array {
  const { shape, weights, bias, multiplier, shift, range } = test;
  const packed = packDepthwise(test);
  if (packed === undefined) throw new Error('cannot be packed');
  const quick = quickTable(multiplier, shift, test.outputZeroPoint, range);
  const [height, width] = shape.out;
  return runKernel(machine, {
    row: 'rt_depthwise_row',
    layer: {
      kernel_height: 3,
      kernel_width: 3,
      stride_height: shape.stride[0],
      stride_width: shape.stride[1],
      pad_top: shape.pad[0],
      pad_left: shape.pad[1],
      activation_min: range.min,
      activation_max: range.max,
      weights,
      bias,
      multiplier,
      shift,
      ...(plain ? {} : { packed, quick }),
    },
    input: { ...shape, zeroPoint: test.inputZeroPoint },
    output: { height, width, channels: shape.channels, zeroPoint: test.outputZeroPoint },
    x: test.x,
  });
}

describe('rt_depthwise_row with packed weights', () => {
  for (const [name, data] of Object.entries(DATA)) {
    it(`is exact: ${name}`, () => {
      const random = new Random(21);
      for (const each of SHAPES) {
        const test = draw(each, data, random);
        const expected = definition(test);
        for (const machine of machines) {
          expect(run(machine, test, false)).toEqual(expected);
          expect(run(machine, test, true)).toEqual(expected);
        }
      }
    });
  }

  it('is exact around every step of an output', () => {
    // Weights that add up to nothing, so that equal inputs leave the bias.
    const taps = [127, -127, 127, -127, 0, -127, 127, -127, 127];
    for (const multiplier of [2 ** 30, 1234567890, 1518500250, 1987654321, 2 ** 31 - 1]) {
      for (const [shift, zeroPoint, min] of [
        [-8, 0, -128],
        [-8, 100, -128],
        [-9, -128, -128],
        [-5, -128, -128],
        [-10, 20, 20],
      ] as const) {
        const steps = Array.from({ length: 5 * 256 }, (_, i) => {
          const step = Math.floor(i / 5) - 128 - zeroPoint + 0.5;
          return Math.round(step / (multiplier * 2 ** (shift - 31))) + (i % 5) - 2;
        });
        const channels = steps.length;
        const test: Case = {
          shape: shape(3, 3, channels, [1, 1], 'VALID'),
          x: new Int8Array(9 * channels).fill(-37),
          weights: Int8Array.from({ length: 9 * channels }, (_, i) => {
            return taps[Math.floor(i / channels)] ?? 0;
          }),
          bias: Int32Array.from(steps),
          multiplier: new Int32Array(channels).fill(multiplier),
          shift: new Int32Array(channels).fill(shift),
          inputZeroPoint: 0,
          outputZeroPoint: zeroPoint,
          range: { min, max: 127 },
        };
        const expected = definition(test);
        for (const machine of machines) expect(run(machine, test, false)).toEqual(expected);
      }
    }
  });
});

describe('packDepthwise', () => {
  const layer: DepthwiseChannels = {
    weights: new Int8Array(9),
    bias: new Int32Array(1),
    multiplier: Int32Array.of(2 ** 30),
    shift: Int32Array.of(-8),
    inputZeroPoint: 0,
    outputZeroPoint: 0,
    range: { min: -128, max: 127 },
  };

  it('refuses two weights of -128 above each other, and scales that are too coarse to be quick', () => {
    const apart = packDepthwise({ ...layer, weights: Int8Array.of(-128, 0, 0, 0, -128) });
    expect([...(apart ?? [])].slice(0, 5)).toEqual([0xff800000, 0xffffff80, 0, 0, 0]);
    expect(packDepthwise({ ...layer, weights: Int8Array.of(-128, 0, 0, -128) })).toBeUndefined();
    const weights = new Int8Array(9).fill(1);
    const quick = packDepthwise({ ...layer, weights });
    expect([...(quick ?? [])].slice(0, 5)).toEqual([0x10001, 0x10001, 0x10001, 0x10001, 1]);
    expect(packDepthwise({ ...layer, weights, shift: Int32Array.of(-6) })).toBeUndefined();
  });
});
