import { describe, expect, it } from 'vitest';
import { Engine } from '../../sim/engine.ts';
import { readModel } from '../oracle/flatmodel.ts';
import { expectEveryLayerEqual, expectEveryRunEqual } from '../support/golden-checks.ts';
import {
  browserOutputs,
  goldenInputs,
  goldenModel,
  goldenNames,
  goldenOutputs,
  readGolden,
} from '../support/golden.ts';

const all = goldenNames()
  .map(readGolden)
  .filter((golden) => golden.root === 'data');

it('has golden vectors of the five reference models', () => {
  expect(all.map((golden) => golden.name)).toEqual([
    'ad01_int8',
    'kws_ref_model',
    'pretrainedResnet_quant',
    'str_ww_ref_model',
    'vww_96_int8',
  ]);
  for (const golden of all) expect(golden.randomRuns).toBeGreaterThanOrEqual(100);
});

describe.each(all)('$name', (golden) => {
  it('answers like the INT8 specification, sample inputs and random ones', () =>
    expectEveryRunEqual(golden));

  it('computes every inner tensor like the INT8 specification', () =>
    expectEveryLayerEqual(golden));

  it('was equal in TensorFlow Lite with reference kernels, and explained with others', () => {
    const { endToEnd, layers } = golden.figures;
    expect(endToEnd.reference.differ).toBe(0);
    expect(endToEnd.reference.values).toBe(goldenOutputs(golden).length * golden.outputSize);
    for (const layer of layers) {
      expect(Math.max(layer.xnnpack.largest, layer.builtin.largest)).toBeLessThanOrEqual(1);
      expect(layer.xnnpackExplained.differ + layer.builtinExplained.differ).toBe(0);
    }
  });

  it('keeps the answers of TensorFlow Lite with XNNPACK', () => {
    const wanted = goldenOutputs(golden);
    const pairs = browserOutputs(golden).flatMap((row, run) =>
      Array.from(row, (value, i) => value - (wanted[run]?.[i] ?? NaN)),
    );
    const { differ, largest } = golden.figures.endToEnd.xnnpack;
    expect(pairs.filter((difference) => difference !== 0)).toHaveLength(differ);
    expect(pairs.reduce((a, b) => Math.max(a, Math.abs(b)), 0)).toBe(largest);
  });
});

it('notices one weight that is off by one', async () => {
  const golden = readGolden('ad01_int8');
  const bytes = Uint8Array.from(goldenModel(golden));
  const model = readModel(bytes);
  const last = model.ops.at(-1);
  const weights = model.tensors[last?.inputs[1] ?? -1]?.data as Uint8Array;
  weights[0] = (weights[0] as number) ^ 1;
  const engine = await Engine.load(bytes, { file: golden.path });
  const wanted = goldenOutputs(golden);
  const wrong = goldenInputs(golden).filter(
    (input, run) => engine.infer(input).output[0] !== wanted[run]?.[0],
  );
  expect(wrong.length).toBeGreaterThan(0);
});
