/** Tables of the boards' 3x3 depthwise kernel: native/engine/depthwise.h defines them. */
import type { LoweredLayer, LoweredTensor } from './lower.ts';
import { quickChannel } from './requantise.ts';

/** RT_DEPTHWISE_WORDS */
export const DEPTHWISE_WORDS = 12;
/** rt_output decides when the seven highest of the 24 bits behind the point are set. */
const LARGEST_GAP = 1n << 17n;
const TAPS = 9;

/** rt_depthwise_fits */
export function depthwiseFits(
  layer: LoweredLayer,
  input: LoweredTensor,
  output: LoweredTensor,
): boolean {
  const { strideHeight, strideWidth, padTop, padLeft } = layer;
  const below = (output.height - 1) * strideHeight - padTop + 3 - input.height;
  const right = (output.width - 1) * strideWidth - padLeft + 3 - input.width;
  return (
    layer.kernelHeight === 3 &&
    layer.kernelWidth === 3 &&
    strideWidth <= 2 &&
    padTop <= 1 &&
    padLeft <= 1 &&
    below <= 1 &&
    right <= 1 &&
    input.height >= 3 &&
    input.channels >= 2
  );
}

export interface DepthwiseChannels {
  /** [3][3][channels] */
  weights: Int8Array;
  bias: Int32Array;
  multiplier: Int32Array;
  shift: Int32Array;
  inputZeroPoint: number;
  outputZeroPoint: number;
  range: { min: number; max: number };
}

/** undefined where a channel's weights or scale are beyond what the kernel can. */
export function packDepthwise(layer: DepthwiseChannels): Uint32Array | undefined {
  const channels = layer.bias.length;
  const out = new Uint32Array(DEPTHWISE_WORDS * channels);
  for (let c = 0; c < channels; c++) {
    const words = channelWords(layer, c);
    if (words === undefined) return undefined;
    out.set(
      words.map((word) => word >>> 0),
      c * DEPTHWISE_WORDS,
    );
  }
  return out;
}

const join = (lower: number, upper: number): number => lower + upper * 65536;

function channelWords(layer: DepthwiseChannels, c: number): number[] | undefined {
  const { weights, inputZeroPoint, outputZeroPoint, range } = layer;
  const channels = layer.bias.length;
  const w = Array.from({ length: TAPS }, (_, tap) => weights[tap * channels + c] ?? 0);
  const [a0 = 0, a1 = 0, a2 = 0, b0 = 0, b1 = 0, b2 = 0, t0 = 0, t1 = 0, t2 = 0] = w;
  const column = (tap: number): number => (w[tap] ?? 0) + (w[tap + 3] ?? 0);
  if ([0, 1, 2].some((tap) => column(tap) === -256) || t0 + b0 === -256) return undefined;
  if (t1 + b1 === -256 || t2 + b2 === -256) return undefined;
  const bias = layer.bias[c] ?? 0;
  const largest = 128 * w.reduce((sum, value) => sum + Math.abs(value), 0);
  const requantisation = quickChannel(
    layer.multiplier[c] ?? 0,
    layer.shift[c] ?? 0,
    outputZeroPoint,
    range,
    { min: bias - largest, max: bias + largest },
  );
  if (requantisation.gap > LARGEST_GAP) return undefined;
  const [first, last, slope, start] = requantisation.words;
  return [
    join(b0, a0),
    join(b1, a1),
    join(b2, a2),
    join(t0, t1),
    t2,
    first - bias,
    last,
    slope,
    start,
    inputZeroPoint * (a2 + b2 + t2),
    inputZeroPoint * (a0 + b0 + t0),
    bias,
  ];
}
