/** Places for adapters in the memory plan: what they take, where they lie, and that they are drawn. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { adapterSchema } from '../../compiler/adapter.ts';
import { arenaSvg } from '../../compiler/arena-svg.ts';
import { compileModel, type CompiledModel } from '../../compiler/compile.ts';
import { learnerSetupSource } from '../../compiler/learner-setup.ts';
import { memoryReport } from '../../compiler/report.ts';

const FILE = 'models/digits/digits.tflite';
const METHODS = ['head', 'skip', 'lora'] as const;

const digits = (method: (typeof METHODS)[number], places?: number): CompiledModel =>
  compileModel(readFileSync(FILE), FILE, { adapter: { method, places } });

describe.each(METHODS)('%s', (method) => {
  test('a place more takes the bytes of an adapter, rounded up to words, and nothing else', () => {
    const one = digits(method);
    const { placeBytes = 0, adapterBytes = 0 } = one.training ?? {};
    expect(placeBytes).toBe(Math.ceil((adapterBytes - 24) / 4) * 4);
    for (const places of [2, 3, 16]) {
      const several = digits(method, places);
      expect(several.arenaBytes).toBe(one.arenaBytes + (places - 1) * placeBytes);
      expect(several.training?.places).toBe(places);
      expect(several.training?.adapterBytes).toBe(adapterBytes);
    }
  });

  test('places lie behind each other and live as long as the firmware', () => {
    const { plan, buffers, training } = digits(method, 4);
    const places = [1, 2, 3].map((place) => plan.offsets.get(`place ${place}`) ?? NaN);
    const [first = NaN] = places;
    const bytes = training?.placeBytes ?? NaN;
    expect(places).toEqual([first, first + bytes, first + 2 * bytes]);
    const last = Math.max(...buffers.map((buffer) => buffer.last));
    for (const buffer of buffers.filter(({ name }) => /^place /.test(name))) {
      expect([buffer.first, buffer.last, buffer.kind]).toEqual([0, last, 'adapter']);
    }
    const payload = plan.offsets.get('payload') ?? NaN;
    expect(payload < first ? payload + bytes <= first : payload >= first + 3 * bytes).toBe(true);
  });
});

test('the map draws every place, and the report says what one takes', () => {
  const report = memoryReport(digits('skip', 3), 4096);
  expect(report.adapter).toMatchObject({ places: 3, placeBytes: 3936 });
  const svg = arenaSvg(report);
  for (const name of ['payload', 'place 1', 'place 2']) {
    expect(svg).toContain(`<title>${name}: `);
    expect(svg).toContain(`>${name}</text>`);
  }
  expect(svg).not.toContain('place 3');
});

test('the firmware has notes for as many adapters', () => {
  expect(learnerSetupSource(digits('skip', 3))).toContain('rt_learner_place_t rt_arena_places[3]');
  expect(learnerSetupSource(digits('skip'))).toContain('.place_count = 1,');
});

test.each([0, 17, 1.5])('%s places are refused', (places) => {
  expect(adapterSchema.safeParse({ method: 'skip', places }).success).toBe(false);
});

test('a layout is the same with more places: saved adapters fit both', () => {
  const hash = (compiled: CompiledModel): unknown => {
    const [plan] = compiled.training?.build(() => 0).values ?? [];
    return typeof plan === 'object' ? plan['hash'] : undefined;
  };
  expect(hash(digits('skip', 5))).toBe(hash(digits('skip')));
  expect(hash(digits('skip'))).not.toBe(hash(digits('head')));
});
