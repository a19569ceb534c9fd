import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RetuneError } from '../../cli/error.ts';
import { readBoard } from '../../compiler/board.ts';
import { buildProject } from '../../compiler/build.ts';
import { boardOf, parseManifest, readManifest } from '../../compiler/manifest.ts';
import { projectRoot } from '../support/data.ts';
import { writeTflite } from '../support/tflite-writer.ts';
import { denseModel } from './models.ts';

const minimal = { board: 'test', app: 'src/app.ts', model: 'm.tflite', modules: [] as string[] };

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(RetuneError);
    return (error as RetuneError).message;
  }
  throw new Error('there was no error');
}

const parseError = (fields: object): string =>
  messageOf(() => parseManifest({ ...minimal, ...fields }, 'devicescript.json'));

describe('fields of the manifest', () => {
  test('a complete one', () => {
    const manifest = parseManifest(
      {
        ...minimal,
        adapter: { method: 'lora', rank: 4, layers: ['dense', 3], precision: 'int8', slots: 2 },
        budgets: { ram: 65536, flash: 1_000_000, milliwatt: 20 },
        features: { profile: 'digits', mean: Array(10).fill(0), std: Array(10).fill(1) },
        labels: ['a', 'b'],
      },
      '/project/devicescript.json',
    );
    expect(manifest.modelPath).toBe('/project/m.tflite');
    expect(manifest.adapter?.rank).toBe(4);
  });

  test.each<[string, object, RegExp]>([
    [
      'an unknown field',
      { ram: 3 },
      /^devicescript\.json: unknown field "ram"; docs\/manifest\.md/,
    ],
    [
      'an unknown field inside',
      { budgets: { ran: 3 } },
      /^devicescript\.json: unknown field "budgets\.ran"; docs/,
    ],
    ['two unknown fields', { a: 1, b: 2 }, /unknown fields "a", "b"; docs/],
    ['a field of the wrong type', { board: 3 }, /field "board": expected string/],
    ['a missing field', { model: undefined }, /field "model": expected string/],
    ['an unknown method', { adapter: { method: 'magic' } }, /field "adapter\.method": .*"lora"/],
    ['rank 0', { adapter: { method: 'lora', rank: 0 } }, /field "adapter\.rank": .*>=1/],
    ['a broken budget', { budgets: { ram: -1 } }, /field "budgets\.ram": .*>0/],
    [
      'a mean of the wrong length',
      { features: { profile: 'digits', mean: [1] } },
      /field "features\.mean": /,
    ],
    ['a module path', { modules: ['../x'] }, /field "modules\[0\]": must be a name in services/],
  ])('%s', (_, fields, message) => {
    expect(parseError(fields)).toMatch(message);
  });

  test('not an object', () => {
    expect(messageOf(() => parseManifest([], 'x.json'))).toMatch(/^x\.json: expected object/);
  });
});

describe('a project', () => {
  let root = '';
  const path = (name: string): string => join(root, name);
  const writeJson = (name: string, json: unknown): void =>
    writeFileSync(path(name), JSON.stringify(json));
  const build = (fields: object = {}): ReturnType<typeof buildProject> => {
    writeJson('devicescript.json', { ...minimal, ...fields });
    return buildProject(path('devicescript.json'));
  };
  const fails = (fields: object): string => messageOf(() => build(fields));

  const board = {
    devName: 'Test board',
    archId: 'x',
    retune: {
      clockHz: 1e6,
      ramBytes: 100_000,
      flashBytes: 1_000_000,
      flashSectorBytes: 4096,
      power: { supplyVolts: 3, activeMilliamps: 10, sleepMilliamps: 1 },
    },
  };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'retune-build-'));
    mkdirSync(path('boards'));
    mkdirSync(path('services'));
    writeFileSync(path('services/learner.md'), '# Learner');
    writeJson('boards/test.board.json', board);
    writeFileSync(
      path('m.tflite'),
      writeTflite(denseModel({ inputs: 20, outputs: 4, softmax: true })),
    );
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  test('is built into C tables and a memory plan', () => {
    const { files, text, json } = build({ modules: ['learner'] });
    expect(files.map((file) => file.slice(root.length))).toEqual([
      '/build/app/model.c',
      '/build/app/memory.json',
      '/build/app/memory.txt',
      '/build/app/arena.svg',
    ]);
    expect(JSON.parse(readFileSync(files[1] ?? '', 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(json)),
    );
    expect(readFileSync(files[0] ?? '', 'utf8')).toContain('const rt_model_t rt_model = {');
    expect(text).toContain('logits');
    expect(text).toMatch(/Board Test board: 0\.0 % of its RAM, 0\.\d % of its flash/);
  });

  test('the memory plan adds up', () => {
    const { json } = build();
    // 80 weights; 4 biases; per channel multiplier, shift and scale; SOFTMAX parameters.
    const parts = Object.fromEntries(json.flash.parts.map(({ name, bytes }) => [name, bytes]));
    expect(parts['weights']).toBe(80);
    expect(parts['bias']).toBe(16);
    expect(parts['quantisation tables']).toBe(16 + 16 + 32 + 12 + 68);
    expect(parts['layers and tensors']).toBe(44 + 2 * 84 + 3 * 28);
    expect(json.flash.total).toBe(json.flash.parts.reduce((sum, part) => sum + part.bytes, 0));
    expect(json.arena).toMatchObject({ bytes: 24, lowerBound: 24, inferenceBytes: 24 });
    expect(json.arena.peak).toMatchObject({
      step: 0,
      name: 'forward 0 FULLY_CONNECTED logits',
      kinds: { activation: 24 },
      buffers: ['input', 'logits'],
    });
    expect(json.adapter).toBeNull();
  });

  test('the picture of the arena has one rectangle a buffer', () => {
    const svg = readFileSync(build().files[3] ?? '', 'utf8');
    expect(svg.match(/<title>/g)).toHaveLength(3);
    expect(svg).toContain('<title>logits: 4 bytes at 20</title>');
    expect(svg).toContain('no plan takes less');
  });

  test('is the same twice', () => {
    const first = readFileSync(build().files[0] ?? '', 'utf8');
    expect(readFileSync(build().files[0] ?? '', 'utf8')).toBe(first);
  });

  test.each<[string, object, RegExp]>([
    [
      'a RAM budget below the arena',
      { budgets: { ram: 8 } },
      /devicescript\.json: learning needs 24 bytes of RAM but "budgets\.ram" allows 8 \(the arena takes 24, its peak is in forward 0 FULLY_CONNECTED logits\); raise "budgets\.ram" to 24, or /,
    ],
    [
      'a flash budget below the model',
      { budgets: { flash: 100 } },
      /model and adapter slots need \d+ bytes of flash but "budgets\.flash" allows 100 \(\d+ are .*\); raise "budgets\.flash" to \d+, or /,
    ],
    [
      'a power budget below sleep',
      { budgets: { milliwatt: 2 } },
      /"budgets\.milliwatt" is 2 but board test takes 3\.00 mW even asleep; raise "budgets\.milliwatt" above 3\.00/,
    ],
    [
      'a board that is not there',
      { board: 'other' },
      /field "board": there is no .*other\.board\.json; name/,
    ],
    [
      'a model that is not there',
      { model: 'x.tflite' },
      /field "model": x\.tflite cannot be read \(ENOENT\); give/,
    ],
    [
      'a module without a service',
      { modules: ['nothing'] },
      /field "modules": there is no services\/nothing\.md; add/,
    ],
    [
      'labels that do not fit',
      { labels: ['a', 'b'] },
      /m\.tflite: there are 2 labels for 4 outputs; give/,
    ],
    [
      'a label twice',
      { labels: ['a', 'b', 'c', 'a'] },
      /m\.tflite: the label "a" stands twice; name/,
    ],
    [
      'features for another input',
      { features: { profile: 'digits' } },
      /m\.tflite: tensor "input": the input has 1x1x20 values, but the features "digits" give 49x10x1; use/,
    ],
  ])('%s', (_, fields, message) => {
    expect(fails(fields)).toMatch(message);
  });

  test('a board with too little memory', () => {
    writeJson('boards/test.board.json', { ...board, retune: { ...board.retune, ramBytes: 16 } });
    expect(fails({})).toMatch(
      /needs 24 bytes of RAM but board test has 16 .*; use a smaller model/,
    );
  });

  test('a manifest that is not there, or not JSON', () => {
    expect(messageOf(() => readManifest(path('none.json')))).toMatch(/none\.json: .*ENOENT/);
    writeFileSync(path('bad.json'), '{"board": ');
    expect(messageOf(() => readManifest(path('bad.json')))).toMatch(
      /bad\.json: is not JSON \(.*\); corr/,
    );
  });

  test('a board file that lacks a field', () => {
    writeJson('boards/test.board.json', { devName: 'x', retune: { clockHz: 1 } });
    expect(fails({})).toMatch(/test\.board\.json: field "retune\.ramBytes": .*; correct the board/);
  });
});

test('the committed manifest and every committed board are valid', () => {
  const manifest = readManifest(join(projectRoot, 'devicescript.json'));
  expect(boardOf(manifest).ramBytes).toBeGreaterThan(65536);
  const boards = readdirSync(join(projectRoot, 'boards')).filter((n) => n.endsWith('.board.json'));
  expect(boards.length).toBeGreaterThan(0);
  for (const name of boards) {
    expect(`${readBoard(join(projectRoot, 'boards', name)).id}.board.json`).toBe(name);
  }
});
