/** Outputs that lie over their input: the distance that compiler/overlap.ts plans is needed. */
import { describe, expect, test } from 'vitest';
import { overlaysOf } from '../../compiler/overlap.ts';
import { compileSpec, convolutionModel, VALID, type WeightedSpec } from './models.ts';

/** Byte ranges that rows of a layer read and write: the rule in the engine's terms. */
function collides(spec: WeightedSpec, distance: number): boolean {
  const { model } = compileSpec(convolutionModel(spec));
  const [layer] = model.layers;
  const input = model.tensors[layer?.input ?? 0];
  const output = model.tensors[layer?.output ?? 0];
  if (!layer || !input || !output) throw new Error('a model has a layer');
  const [inputRow, outputRow] = [input.bytes / input.height, output.bytes / output.height];
  for (let y = 0; y < output.height; y++) {
    for (let later = y; later < output.height; later++) {
      for (let k = 0; k < layer.kernelHeight; k++) {
        const row = later * layer.strideHeight - layer.padTop + k;
        if (row < 0 || row >= input.height) continue;
        const written = (y + 1) * outputRow;
        if (written > distance + row * inputRow) return true;
      }
    }
  }
  return false;
}

const shapes: [string, WeightedSpec][] = [
  ['3x3, SAME', { input: [9, 4, 8], weights: [8, 3, 3, 8], output: [9, 4, 8] }],
  ['1x1', { input: [6, 5, 8], weights: [8, 1, 1, 8], output: [6, 5, 8] }],
  ['1x1 to more channels', { input: [6, 5, 4], weights: [6, 1, 1, 4], output: [6, 5, 6] }],
  [
    '3x1, VALID',
    { input: [9, 2, 8], weights: [8, 3, 1, 8], output: [7, 2, 8], window: { padding: VALID } },
  ],
];

describe.each(shapes)('%s', (_, spec) => {
  const { model, buffers } = compileSpec(convolutionModel(spec));
  const [overlay] = overlaysOf(model, buffers);

  test('no row is written over one that is still to be read, and not a byte more is asked', () => {
    const distance = overlay?.distance ?? NaN;
    expect(collides(spec, distance)).toBe(false);
    expect(collides(spec, distance - 1)).toBe(true);
  });

  test('the arena is smaller than both tensors', () => {
    const { plan } = compileSpec(convolutionModel(spec));
    const sum = buffers.reduce((total, buffer) => total + buffer.bytes, 0);
    expect(plan.peak).toBeLessThan(sum);
    expect(plan.peak).toBe(plan.lowerBound);
  });
});

test('an input that is needed again is spared', () => {
  const [, spec] = shapes[0] ?? [];
  if (spec === undefined) throw new Error('there are shapes');
  const { model, buffers } = compileSpec(convolutionModel(spec));
  const kept = buffers.map((buffer) => ({ ...buffer, last: buffer.last + 1 }));
  expect(overlaysOf(model, kept)).toEqual([]);
});
