import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compileModel } from '../../compiler/compile.ts';
import { emitC } from '../../compiler/emit-c.ts';
import { buildImage } from '../../compiler/emit-image.ts';
import { dspQuant, dspQuantWords } from '../../native/dsp/quant.ts';
import { projectRoot } from '../support/data.ts';
import type { ModelSpec } from '../support/tflite-writer.ts';
import { compileSpec, denseModel, reshapeOperator, activation } from './models.ts';

/** 49x10 features through a reshape into a dense layer. */
function keywordShape(classes: number, metadata?: unknown): ModelSpec {
  const spec = denseModel({ inputs: 490, outputs: classes });
  const flat = spec.tensors[0];
  if (flat === undefined) throw new Error('there is no input');
  spec.tensors.push({ ...activation('features', [1, 49, 10, 1]), ...quantisation(flat) });
  spec.operators.unshift(reshapeOperator(4, 0));
  const text = typeof metadata === 'string' ? metadata : JSON.stringify(metadata);
  const buffers = metadata === undefined ? undefined : { retune: new TextEncoder().encode(text) };
  return { ...spec, inputs: [4], metadata: buffers };
}

const quantisation = (t: ModelSpec['tensors'][0]): Pick<typeof t, 'scales' | 'zeroPoint'> => ({
  scales: t.scales,
  zeroPoint: t.zeroPoint,
});

const mean = Array.from({ length: 10 }, (_, k) => k - 3);
const std = Array.from({ length: 10 }, (_, k) => 1 + k / 8);
const labels = ['zero', 'one', 'two'];

describe('features and labels', () => {
  test('come from the metadata of our own models', () => {
    const spec = keywordShape(3, { features: { profile: 'digits', mean, std }, labels });
    const compiled = compileSpec(spec);
    expect(compiled.labels).toEqual(labels);
    expect(compiled.features).toMatchObject({ profile: 'digits', profileId: 0, sampleRate: 8000 });
  });

  test('of the manifest win', () => {
    const spec = keywordShape(3, { features: { profile: 'digits', mean, std }, labels });
    const names = ['x', 'y', 'z'];
    const compiled = compileSpec(spec, { features: { profile: 'mlperf-kws' }, labels: names });
    expect(compiled.labels).toEqual(names);
    expect(compiled.features).toMatchObject({ profile: 'mlperf-kws', sampleRate: 16000 });
  });

  test('of the MLPerf Tiny keyword model are recognised by shape', () => {
    const compiled = compileSpec(keywordShape(12));
    expect(compiled.features?.profile).toBe('mlperf-kws');
    expect(compiled.labels.slice(0, 3)).toEqual(['down', 'go', 'left']);
    expect(compiled.labels.slice(-2)).toEqual(['silence', 'unknown']);
  });

  test('are numbers and none for other models', () => {
    const compiled = compileSpec(keywordShape(3));
    expect(compiled.features).toBeUndefined();
    expect(compiled.labels).toEqual(['0', '1', '2']);
  });

  test('are compiled into rt_features, with the input tensor’s scale and zero point', () => {
    const spec = keywordShape(3, { features: { profile: 'digits', mean, std }, labels });
    const { bytes, symbols } = buildImage(compileSpec(spec).description, 0);
    const words = new Int32Array(bytes.buffer, symbols['rt_features'], 31);
    const scale = Math.fround(0.0331);
    expect(Array.from(words)).toEqual(
      Array.from(dspQuantWords(dspQuant({ mean, std, scale, zeroPoint: -20 }))),
    );
  });

  test('name their profile in the C source', () => {
    const source = emitC(compileSpec(keywordShape(12)).description);
    expect(source).toContain('#include "dsp/mfcc.h"');
    expect(source).toContain('rt_features_profile = &rt_dsp_profile_mlperf_kws;');
    expect(source).toContain('const uint32_t rt_label_count = 12u;');
  });

  test.each<[string, unknown, RegExp]>([
    ['that are not JSON', '{', /test\.tflite: metadata "retune": is not JSON; write it again/],
    ['of an unknown profile', { features: { profile: 'x' } }, /field "features\.profile": /],
    [
      'with a negative deviation',
      { features: { profile: 'digits', std: Array(10).fill(-1) } },
      /field "features\.std\[0\]": /,
    ],
    ['with another number of labels', { labels: ['a'] }, /there are 1 labels for 3 outputs; give/],
    [
      'with a mean that the firmware cannot hold',
      { features: { profile: 'digits', mean: Array(10).fill(1e9) } },
      /test\.tflite: features: means must lie between .*; check mean and std/,
    ],
  ])('%s are refused', (_, metadata, message) => {
    expect(() => compileSpec(keywordShape(3, metadata))).toThrow(message);
  });
});

test('the committed digits models compile with their features and labels', () => {
  for (const name of [
    'digits',
    'without-george',
    'without-jackson',
    'without-nicolas',
    'without-theo',
  ]) {
    const file = `models/digits/${name}.tflite`;
    const compiled = compileModel(readFileSync(join(projectRoot, file)), file);
    expect(compiled.features?.profile).toBe('digits');
    expect(compiled.features?.mean).toHaveLength(10);
    expect(compiled.labels).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(compiled.model.macs).toBeLessThan(2_700_000);
    expect(compiled.plan.peak).toBe(compiled.plan.lowerBound);
  }
});
