/**
 * Which outputs may lie over their own layer's input: where the input is not read any more
 * afterwards, output rows may take the place of input rows that have been read (as the in-place
 * depthwise convolution of MCUNet, Lin et al. 2020, does for all channels).
 *
 * Kernels compute rows in rising order and read, for output row y and all behind it, only input
 * rows from y * stride - padding on. So the output may begin `distance` bytes below the input, where
 * distance is the most by which what has been written is ahead of what must still be read.
 */
import type { Overlay, PlanBuffer } from './arena.ts';
import { storageBuffer } from './adapter.ts';
import type { LoweredLayer, LoweredModel, LoweredTensor } from './lower.ts';

function tensorOf(model: LoweredModel, index: number): LoweredTensor {
  const tensor = model.tensors[index];
  if (tensor === undefined) throw new Error(`there is no tensor ${index}`);
  return tensor;
}

/** Bytes by which the output must begin below the input. */
function distanceOf(model: LoweredModel, layer: LoweredLayer): number {
  const input = tensorOf(model, layer.input);
  const output = tensorOf(model, layer.output);
  if (layer.op === 'FULLY_CONNECTED') return output.bytes;
  const windowed = layer.op !== 'ADD' && layer.op !== 'SOFTMAX';
  const [stride, padding] = windowed ? [layer.strideHeight, layer.padTop] : [1, 0];
  const [inputRow, outputRow] = [input.bytes / input.height, output.bytes / output.height];
  let distance = 0;
  for (let y = 0; y < output.height; y++) {
    const needed = Math.min(input.height, Math.max(0, y * stride - padding));
    distance = Math.max(distance, (y + 1) * outputRow - needed * inputRow);
  }
  return distance;
}

/** Overlays of all layers whose input ends with them, judged by the lives that are planned. */
export function overlaysOf(model: LoweredModel, buffers: PlanBuffer[]): Overlay[] {
  const lifeOf = (tensor: number): PlanBuffer => {
    const name = storageBuffer(tensorOf(model, tensor).storage);
    const buffer = buffers.find((candidate) => candidate.name === name);
    if (buffer === undefined) throw new Error(`tensor ${tensor} has no buffer`);
    return buffer;
  };
  return model.layers.flatMap((layer) => {
    const [input, output] = [lifeOf(layer.input), lifeOf(layer.output)];
    const alone = [input, output].every((buffer) => buffer.group === undefined);
    const ends = input.last === layer.index && output.first === layer.index;
    const distance = distanceOf(model, layer);
    if (!alone || !ends || input === output || distance >= output.bytes) return [];
    return [{ lower: output.name, upper: input.name, distance }];
  });
}
