/**
 * What an inference costs on a board's Cortex-M0+, estimated from the shape of the model. Fitted to
 * cycles counted on the emulated RP2040; bench/kernels.ts prints the estimate beside the count. Within
 * 3 % for the keyword models; too low by a fifth for kernels over 256 taps or rows of weights that are
 * not 4-aligned.
 */
import type { LoweredLayer, LoweredModel } from '../compiler/lower.ts';

/** Cycles of one output value: so many a product (or element read), and so many besides. */
const COSTS = {
  CONV_2D: { product: 6.25, output: 145 },
  DEPTHWISE_CONV_2D: { product: 9.5, output: 103 },
  FULLY_CONNECTED: { product: 6.25, output: 200 },
  AVERAGE_POOL_2D: { product: 10.5, output: 334 },
  ADD: { product: 0, output: 200 },
  SOFTMAX: { product: 0, output: 780 },
} as const;

/** A window larger than one tap is gathered first. */
const GATHER_OUTPUT = 25;

function layerCycles(layer: LoweredLayer, outputs: number): number {
  const { product, output } = COSTS[layer.op];
  const gathered = layer.op === 'CONV_2D' && layer.kernelHeight * layer.kernelWidth > 1;
  return layer.macs * product + outputs * (output + (gathered ? GATHER_OUTPUT : 0));
}

/** Cycles of one inference. */
export function inferenceCycles(model: LoweredModel): number {
  return model.layers.reduce((sum, layer) => {
    return sum + layerCycles(layer, model.tensors[layer.output]?.bytes ?? 0);
  }, 0);
}
