/** The two emissions of one description: C source and memory image hold the same. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileModel } from '../../compiler/compile.ts';
import { adapterSchemas } from '../../compiler/training.ts';
import { emitC } from '../../compiler/emit-c.ts';
import { buildImage } from '../../compiler/emit-image.ts';
import { RtDspQuant } from '../../compiler/features.ts';
import {
  PRIMITIVE_BYTES,
  isStructTable,
  isTable,
  pointer,
  struct,
  tablesInOrder,
  u32,
  type Description,
  type StructType,
  type StructValue,
  type Table,
} from '../../compiler/layout.ts';
import { MODEL_STRUCTS } from '../../compiler/model.ts';
import { Firmware } from '../../sim/firmware.ts';
import { projectRoot } from '../support/data.ts';
import { smallKeywordModel } from '../support/models.ts';
import { compileSpec, convolutionModel } from './models.ts';

/** Compares everything that is reached from a table in memory with the description. */
class MemoryCheck {
  private readonly seen = new Map<Table, number>();

  constructor(private readonly view: DataView) {}

  table(table: Table, at: number): void {
    const known = this.seen.get(table);
    if (known !== undefined) {
      expect(at).toBe(known);
      return;
    }
    this.seen.set(table, at);
    expect(at % 4).toBe(0);
    if (isStructTable(table)) {
      const { type } = table;
      table.values.forEach((value, i) => this.struct(type, value, at + i * type.bytes));
      return;
    }
    const bytes = PRIMITIVE_BYTES[table.type];
    const signed = table.type.startsWith('int');
    const found = Array.from(table.values, (_, i) => this.element(at + i * bytes, bytes, signed));
    expect(found).toEqual(Array.from(table.values));
  }

  private element(at: number, bytes: number, signed: boolean): number {
    const { view } = this;
    if (bytes === 1) return signed ? view.getInt8(at) : view.getUint8(at);
    if (bytes === 2) return signed ? view.getInt16(at, true) : view.getUint16(at, true);
    return signed ? view.getInt32(at, true) : view.getUint32(at, true);
  }

  private struct(type: StructType, value: StructValue, at: number): void {
    for (const { name, type: member, offset } of type.fields) {
      const found = value[name];
      const where = at + offset;
      if (member.kind === 'nested') this.struct(member.struct, found as StructValue, where);
      else if (member.kind === 'array') {
        const words = (found as number[]).map((_, i) =>
          this.element(where + 4 * i, 4, member.signed),
        );
        expect(words).toEqual(found);
      } else if (member.kind === 'word') {
        expect(this.element(where, 4, member.signed), `${type.name}.${name}`).toBe(found);
      } else if (found !== null && isTable(found as Table)) {
        this.table(found as Table, this.element(where, 4, false));
      } else expect(this.element(where, 4, false)).toBe(0);
    }
  }

  get tables(): number {
    return this.seen.size;
  }
}

const description = (): Description =>
  compileSpec(smallKeywordModel(), { labels: ['one', 'two', 'three', 'fo"ur'] }).description;

const digits = join(projectRoot, 'models/digits/digits.tflite');
/** With every kind of table: an adapter's, and the features'. */
const complete = (): Description =>
  compileModel(readFileSync(digits), 'digits.tflite', { adapter: { method: 'lora' } }).description;

const descriptions: [string, () => Description][] = [
  ['a small model', description],
  ['digits with LoRA', complete],
];

describe('image', () => {
  test.each(descriptions)('of %s holds every table, relocated', (_, describe_) => {
    const base = 0x1000;
    const source = describe_();
    const image = buildImage(source, base);
    const memory = new Uint8Array(base + image.bytes.length);
    memory.set(image.bytes, base);
    const check = new MemoryCheck(new DataView(memory.buffer));
    expect(image.symbols['rt_model']).toBe(0);
    for (const root of source.roots) check.table(root, base + (image.symbols[root.name] ?? NaN));
    expect(check.tables).toBe(tablesInOrder(source).length);
  });

  test('differs between two bases exactly in the relocated words', () => {
    const at = (base: number): DataView => {
      const { bytes } = buildImage(description(), base);
      return new DataView(bytes.buffer);
    };
    const [low, high] = [at(0), at(0x10000)];
    const { relocations } = buildImage(description(), 0);
    expect(relocations.length).toBeGreaterThan(20);
    for (let word = 0; word < low.byteLength; word += 4) {
      const moved = relocations.includes(word) ? 0x10000 : 0;
      expect(high.getUint32(word, true) - low.getUint32(word, true)).toBe(moved);
    }
  });

  test('wants an aligned base', () => {
    expect(() => buildImage(description(), 2)).toThrow(/multiple of 4/);
  });
});

describe('C source', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'retune-emit-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Compiles the source with every warning on and returns the module's memory and symbols. */
  function compile(source: string): { view: DataView; symbol: (name: string) => number } {
    const zig = join(projectRoot, 'node_modules/.bin/zig');
    const run = (...args: string[]): unknown =>
      execFileSync(zig, args, { cwd: folder, stdio: 'pipe' });
    const warnings = ['-std=c99', '-Wall', '-Wextra', '-Werror', '-pedantic'];
    const flags = ['-target', 'wasm32-freestanding', '-ffreestanding', '-fvisibility=default'];
    writeFileSync(join(folder, 'model.c'), source);
    const native = `-I${join(projectRoot, 'native')}`;
    run('cc', '-c', ...flags, ...warnings, native, 'model.c', '-o', 'model.o');
    // The feature profile that the source refers to lies in native/dsp.
    const link = ['--no-entry', '--export-dynamic', '--unresolved-symbols=ignore-all'];
    run('wasm-ld', ...link, 'model.o', '-o', 'model.wasm');
    const module = new WebAssembly.Module(readFileSync(join(folder, 'model.wasm')));
    const instance = new WebAssembly.Instance(module, {});
    const memory = instance.exports['memory'] as WebAssembly.Memory;
    const symbol = (name: string): number =>
      (instance.exports[name] as WebAssembly.Global).value as number;
    return { view: new DataView(memory.buffer), symbol };
  }

  test.each(descriptions)('of %s compiles to the same tables as the image', (_, describe_) => {
    const source = describe_();
    const { view, symbol } = compile(emitC(source));
    const check = new MemoryCheck(view);
    for (const root of source.roots) check.table(root, symbol(root.name));
    expect(check.tables).toBe(tablesInOrder(source).length);
  });

  test('is the golden text for a small model', async () => {
    const spec = convolutionModel({
      input: [3, 2, 1],
      weights: [2, 2, 2, 1],
      output: [3, 2, 2],
    });
    await expect(emitC(compileSpec(spec).description)).toMatchFileSnapshot(
      join(projectRoot, 'test/golden/compiler/small-model.c'),
    );
  });

  test('a name cannot end a comment', () => {
    const spec = convolutionModel({ input: [2, 2, 1], weights: [1, 1, 1, 1], output: [2, 2, 1] });
    const output = spec.tensors[3];
    if (output === undefined) throw new Error('there is no output');
    output.name = 'evil */ int x; /*';
    const source = emitC(compileSpec(spec).description);
    expect(source).not.toMatch(/evil \*\//);
    expect(source).toContain('evil * / int x; / *');
  });

  test('labels are escaped', () => {
    expect(emitC(description())).toContain('  "fo\\"ur",');
  });
});

describe('layout', () => {
  test('sizes and offsets are those of the built firmware', () => {
    const firmware = new Firmware();
    const at = firmware.call('rt_sim_layout');
    const expected = [...MODEL_STRUCTS, RtDspQuant, ...adapterSchemas].flatMap((type) => [
      type.bytes,
      ...type.fields.map((field) => field.offset),
    ]);
    expect(Array.from(firmware.i32(at, expected.length + 1))).toEqual([...expected, -1]);
  });

  test('a value must fit its structure', () => {
    const Leaf = struct('rt_leaf_t', 'x.h', { a: u32, b: pointer('int8_t') });
    const words: Table = { name: 'words', type: 'int32_t', values: Int32Array.of(1) };
    const bad = (value: StructValue): (() => unknown) => {
      const root: Table = { name: 'root', type: Leaf, values: [value] };
      return () => tablesInOrder({ title: [], roots: [root] });
    };
    expect(bad({ a: 1, b: words })).toThrow('rt_leaf_t.b does not point to int8_t');
    expect(bad({ a: 1 })).toThrow('rt_leaf_t.b has no value');
    expect(bad({ a: 1, b: null, c: 2 })).toThrow('rt_leaf_t has no member c');
  });
});
