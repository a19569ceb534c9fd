/** The five MLPerf Tiny models lower; that they compute exactly is test/engine's to show. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compileModel } from '../../compiler/compile.ts';
import { buildImage } from '../../compiler/emit-image.ts';
import { memoryReport, reportText } from '../../compiler/report.ts';
import { RetuneError } from '../../cli/error.ts';
import { dataPath } from '../support/data.ts';

interface Facts {
  sha256: string;
  ops: Record<string, number>;
  inputs: { shape: number[]; scale: number; zero_point: number }[];
  outputs: { shape: number[]; scale: number; zero_point: number }[];
}

const facts = JSON.parse(readFileSync(dataPath('models/models.json'), 'utf8')) as Record<
  string,
  Facts
>;

/** The smallest arena that is possible, outputs lying over what has been read, and the work of all layers. */
const expected: Record<string, { arena: number; macs: number }> = {
  'ad01_int8.tflite': { arena: 768, macs: 264_192 },
  'kws_ref_model.tflite': { arena: 11_840, macs: 2_664_780 },
  'pretrainedResnet_quant.tflite': { arena: 33_792, macs: 12_534_410 },
  'str_ww_ref_model.tflite': { arena: 4_008, macs: 826_371 },
  'vww_96_int8.tflite': { arena: 37_632, macs: 7_491_970 },
};

describe.each(Object.entries(expected))('%s', (name, { arena, macs }) => {
  const bytes = readFileSync(dataPath(`models/${name}`));
  const compiled = compileModel(bytes, name);
  const { model, plan } = compiled;

  test('has the operators and the ends that models.json lists', () => {
    const counts: Record<string, number> = {};
    for (const { op } of model.layers) counts[op] = (counts[op] ?? 0) + 1;
    const ops = Object.entries(facts[name]?.ops ?? {}).filter(([op]) => op !== 'RESHAPE');
    expect(counts).toEqual(Object.fromEntries(ops));
    expect(model.sha256).toBe(facts[name]?.sha256);
    for (const [end, index] of [
      [facts[name]?.inputs[0], model.inputTensor],
      [facts[name]?.outputs[0], model.outputTensor],
    ] as const) {
      const tensor = model.tensors[index];
      expect(tensor?.scale).toBeCloseTo(end?.scale ?? NaN, 7);
      expect(tensor?.zeroPoint).toBe(end?.zero_point);
      expect(tensor?.bytes).toBe(end?.shape.reduce((a, b) => a * b, 1));
    }
  });

  test('fits the smallest arena that is possible', () => {
    expect(plan.peak).toBe(arena);
    expect(plan.lowerBound).toBe(arena);
    expect(model.macs).toBe(macs);
  });

  test('is reported and emitted in full', () => {
    const report = memoryReport(compiled);
    const image = buildImage(compiled.description, 0);
    expect(report.flash.total).toBe(image.bytes.length);
    expect(reportText(report)).toContain(`Arena: ${arena.toLocaleString('en-US')} bytes`);
  });

  test('truncated anywhere is one RetuneError that names the file', () => {
    for (let part = 0; part < 40; part++) {
      const cut = bytes.subarray(0, Math.floor((bytes.length * part) / 40));
      expect(() => compileModel(cut, name)).toThrow(RetuneError);
      expect(() => compileModel(cut, name)).toThrow(`${name}: `);
    }
  });
});
