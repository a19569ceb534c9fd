/** What compile.ts adds to its parts: lives of tensors under training, sharing, determinism. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ADAPTER_METHODS, type AdapterOptions } from '../../compiler/adapter.ts';
import { phasesOf } from '../../compiler/arena.ts';
import { compileModel, type CompiledModel } from '../../compiler/compile.ts';
import { buildImage } from '../../compiler/emit-image.ts';
import { memoryReport } from '../../compiler/report.ts';
import { Engine } from '../../sim/engine.ts';
import { Firmware } from '../../sim/firmware.ts';
import { projectRoot } from '../support/data.ts';
import {
  activation,
  compileSpec,
  convOperator,
  convolutionModel,
  denseModel,
  reshapeOperator,
  type WeightedSpec,
} from './models.ts';
import type { ModelSpec } from '../support/tflite-writer.ts';

const file = join(projectRoot, 'models/digits/digits.tflite');
const digits = (adapter?: AdapterOptions): CompiledModel =>
  compileModel(readFileSync(file), 'digits.tflite', { adapter });

describe.each(ADAPTER_METHODS)('digits with method %s', (method) => {
  const compiled = digits({ method });
  const { model, buffers, overlays, plan } = compiled;

  test('no two buffers that live at the same time share bytes but groups and overlays', () => {
    const at = (name: string): number => plan.offsets.get(name) ?? NaN;
    buffers.forEach((a, i) => {
      for (const b of buffers.slice(i + 1)) {
        if (a.group !== undefined && a.group === b.group) continue;
        const apart = phasesOf(a).every((p) =>
          phasesOf(b).every((q) => {
            if (p.first > q.last || q.first > p.last) return true;
            return at(a.name) + p.bytes <= at(b.name) || at(b.name) + q.bytes <= at(a.name);
          }),
        );
        const over = overlays.some(
          ({ lower, upper, distance }) =>
            at(upper) - at(lower) >= distance &&
            [lower, upper].sort().join() === [a.name, b.name].sort().join(),
        );
        expect(apart || over, `${a.name} and ${b.name}`).toBe(true);
      }
    });
  });

  test('the input outlives the inference exactly when it can be remembered', () => {
    const input = buffers.find(({ name }) => name === 'tensor:0');
    expect(input?.last).toBe(method === 'none' ? 0 : model.layers.length - 1);
  });

  test('every tensor’s offset in the image is the planned one', () => {
    const { bytes } = buildImage(compiled.description, 0);
    const words = new DataView(bytes.buffer);
    const tensors = words.getUint32(20, true);
    for (const tensor of model.tensors) {
      const offset = words.getUint32(tensors + 28 * tensor.index, true);
      expect(offset).toBe(plan.offsets.get(`tensor:${tensor.storage}`));
    }
    expect(words.getUint32(12, true)).toBe(plan.peak);
    expect(words.getUint32(40, true) === 0).toBe(method === 'none');
  });

  test('is the same every time', () => {
    const again = buildImage(digits({ method }).description, 64);
    expect(again.bytes).toEqual(buildImage(compiled.description, 64).bytes);
  });

  test('the memory plan names the adapter', () => {
    const { adapter, arena, flash } = memoryReport(digits({ method, slots: 3 }), 4096);
    expect(arena.bytes).toBe(plan.peak);
    expect(arena.inferenceBytes).toBe(10_112);
    if (method === 'none') {
      expect(adapter).toBeNull();
      return;
    }
    expect(adapter).toMatchObject({ method, slots: 3, slotBytes: 4096 });
    expect(adapter?.bytes).toBeLessThanOrEqual(4096);
    const slots = flash.parts.find(({ name }) => name === 'adapter slots');
    expect(slots?.bytes).toBe(3 * 4096);
  });
});

test('the RAM that the memory plan counts is what the firmware takes', async () => {
  const engine = await Engine.load(file, { adapter: { method: 'skip' } });
  const { parts, total } = memoryReport(digits({ method: 'skip' })).ram;
  const firmware = new Firmware();
  const profile = firmware.call('rt_dsp_profile', 0);
  expect(parts).toEqual([
    { name: 'arena', bytes: engine.arenaBytes },
    { name: `${engine.training?.capacity} labelled windows`, bytes: engine.windowBytes },
    { name: 'features', bytes: firmware.call('rt_dsp_memory_bytes', profile, 1024) },
  ]);
  expect(total).toBe(parts.reduce((sum, { bytes }) => sum + bytes, 0));
});

test('tensors that the backward pass reads live until it has', () => {
  const { training, buffers, model } = digits({ method: 'lora' });
  const kept = training?.keep ?? [];
  expect(kept.length).toBeGreaterThan(3);
  for (const { tensor, last } of kept) {
    const name = `tensor:${model.tensors[tensor]?.storage}`;
    expect(last).toBeGreaterThanOrEqual(model.layers.length);
    expect(buffers.find((buffer) => buffer.name === name)?.last).toBeGreaterThanOrEqual(last);
  }
});

test('an output survives layers after it', () => {
  const spec = convolutionModel({ input: [4, 3, 5], weights: [5, 3, 3, 5], output: [4, 3, 5] });
  spec.tensors.push(activation('dead', [1, 4, 3, 5]), activation('dead end', [1, 4, 3, 5]));
  spec.operators.push(convOperator([3, 1], 4), convOperator([4, 1], 5));
  const { model, buffers } = compileSpec(spec);
  expect(model.tensors[model.outputTensor]?.name).toBe('output');
  expect(buffers.map(({ last }) => last)).toEqual([0, 2, 2, 2]);
});

test('a dense layer multiplies its scales in single precision, a convolution in double', () => {
  const scale = (name: string, spec: ModelSpec): number =>
    spec.tensors.find((tensor) => tensor.name === name)?.scales?.[0] ?? NaN;
  const check = (spec: ModelSpec, output: string, rounded: (product: number) => number): void => {
    const product = rounded(scale('input', spec) * scale('weights', spec));
    const { multiplier, shift } = compileSpec(spec).model.layers[0] ?? {};
    const effective = (multiplier?.values[0] ?? 0) * 2 ** ((shift?.values[0] ?? 0) - 31);
    const exact = product / Math.fround(scale(output, spec));
    expect(Math.abs(effective / exact - 1)).toBeLessThan(2 ** -30);
  };
  for (let seed = 1; seed < 20; seed++) {
    check(single(denseModel({ inputs: 4, outputs: 3, seed })), 'logits', Math.fround);
    const many = denseModel({ inputs: 4, outputs: 3, seed, perChannel: true });
    check(single(many), 'logits', (product) => product);
    const shape = { input: [2, 2, 1], weights: [1, 1, 1, 1], output: [2, 2, 1] };
    check(single(convolutionModel({ ...(shape as WeightedSpec), seed })), 'output', (p) => p);
  }
});

/** Scales as the file holds them. */
function single(spec: ModelSpec): ModelSpec {
  const tensors = spec.tensors.map((t) => ({ ...t, scales: t.scales?.map(Math.fround) }));
  return { ...spec, tensors };
}

test('LoRA training on digits takes at most 64 KB', () => {
  expect(digits({ method: 'lora', rank: 4 }).arenaBytes).toBeLessThanOrEqual(65_536);
});

describe('sharing', () => {
  test('weights of two layers are stored once', () => {
    const one = convolutionModel({ input: [4, 3, 5], weights: [5, 3, 3, 5], output: [4, 3, 5] });
    const two = structuredClone(one);
    two.tensors.push(activation('again', [1, 4, 3, 5], 0.2, 1));
    two.operators.push(convOperator([3, 1], 4));
    two.outputs = [4];
    const [first, second] = compileSpec(two).model.layers;
    expect(second?.weights).toBe(first?.weights);
    expect(second?.weightScale).toBe(first?.weightScale);
    expect(second?.bias).not.toBe(first?.bias);
    const weights = (spec: typeof one): number =>
      memoryReport(compileSpec(spec)).flash.parts[0]?.bytes ?? 0;
    expect(weights(two)).toBe(weights(one));
  });

  test('RESHAPE gives the same bytes another shape', () => {
    const spec = denseModel({ inputs: 12, outputs: 3 });
    const input = spec.tensors[0];
    if (input === undefined) throw new Error('there is no input');
    spec.tensors.push({ ...input, name: 'image', shape: [1, 2, 3, 2] });
    spec.operators.unshift(reshapeOperator(4, 0));
    const { model, plan } = compileSpec({ ...spec, inputs: [4] });
    expect(model.layers).toHaveLength(1);
    const [image, flat] = model.tensors;
    expect(image).toMatchObject({ name: 'image', height: 2, width: 3, channels: 2 });
    expect(flat).toMatchObject({ name: 'input', height: 1, width: 1, channels: 12 });
    expect(flat?.storage).toBe(image?.storage);
    expect(plan.peak).toBe(12 + 4);
  });
});
