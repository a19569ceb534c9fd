/**
 * Damaged adapter plans: either the checks refuse them, or windows, training and inference touch
 * nothing outside the arena. Every word of the plan's tables is tried, now and then one of the model.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { AdapterOptions } from '../../compiler/adapter.ts';
import { compileModel, type CompiledModel } from '../../compiler/compile.ts';
import { buildImage } from '../../compiler/emit-image.ts';
import { isStructTable, tableBytes, tablesInOrder } from '../../compiler/layout.ts';
import { Firmware } from '../../sim/firmware.ts';
import { projectRoot } from '../support/data.ts';
import { Random } from '../support/random.ts';

const GUARD_BYTES = 4096;
const GUARD = 0x5a;
const WINDOWS = 3;
const DAMAGED = 400;
const LAYOUT_ERROR = -3;
const SLICE_CYCLES = 5_000_000;
const MAX_SLICES = 3000;

interface Range {
  from: number;
  to: number;
}

/** Where the tables of structures lie in an image: those of the adapter plan, and all. */
function structRanges({ description }: CompiledModel): { plan: Range[]; all: Range[] } {
  const { roots } = description;
  const rest = tablesInOrder(description).filter((table) => !roots.includes(table));
  const [plan, all]: [Range[], Range[]] = [[], []];
  let at = 0;
  for (const table of [...roots, ...rest]) {
    const range = { from: at, to: at + tableBytes(table) };
    at += (tableBytes(table) + 3) & ~3;
    if (!isStructTable(table)) continue;
    all.push(range);
    if (table.type.name.startsWith('rt_adapter_')) plan.push(range);
  }
  return { plan, all };
}

class Bench {
  private readonly firmware = new Firmware();
  private readonly imageBytes: number;
  private readonly at: number;
  private readonly arena: number;
  private readonly engine: number;
  private readonly adapter: number;
  private readonly trainer: number;
  private readonly params: number;
  private readonly windows: number;

  constructor(private readonly compiled: CompiledModel) {
    const { firmware } = this;
    const size = (name: string): number => firmware.call(`rt_sim_${name}_bytes`);
    this.imageBytes = buildImage(compiled.description, 0).bytes.length;
    this.at = firmware.allocate(this.imageBytes);
    this.engine = firmware.allocate(size('engine'));
    this.adapter = firmware.allocate(size('adapter'));
    this.trainer = firmware.allocate(size('trainer'));
    this.params = firmware.allocate(size('params'));
    this.windows = firmware.allocate(64 * 1024);
    firmware.allocate(GUARD_BYTES);
    this.arena = firmware.allocate(compiled.arenaBytes);
    firmware.allocate(GUARD_BYTES);
  }

  /** Runs a life of the image; returns the first error, or 0. */
  attempt(change: (words: DataView) => void): number {
    const image = buildImage(this.compiled.description, this.at).bytes;
    change(new DataView(image.buffer));
    this.firmware.u8(this.at, this.imageBytes).set(image);
    this.guards().forEach((guard) => guard.fill(GUARD));
    const status = this.life();
    expect(this.guards().every((guard) => guard.every((byte) => byte === GUARD))).toBe(true);
    return status;
  }

  private life(): number {
    const { firmware, at, engine, adapter, trainer, params, windows } = this;
    const image = [at, at, this.imageBytes];
    const arena = [this.arena, this.compiled.arenaBytes];
    let status = firmware.call('rt_sim_engine_init', engine, ...image, ...arena);
    if (status < 0) return status;
    status = firmware.call('rt_adapter_init', adapter, engine);
    if (status < 0) return status;
    firmware.call('rt_engine_infer', engine);
    const bytes = WINDOWS * firmware.call('rt_sim_window_entry_bytes', engine);
    if (bytes > 64 * 1024) return 0;
    status = firmware.call('rt_trainer_init', trainer, adapter, windows, bytes);
    if (status < 0) return status;
    for (let i = 0; i < WINDOWS; i++) firmware.call('rt_train_remember', trainer, i % 2, 0);
    firmware.call('rt_train_defaults', adapter, params);
    firmware.u32(params, 2).set([2, 1]); // steps, batch
    status = firmware.call('rt_train_begin', trainer, params);
    for (let n = 0; n < MAX_SLICES && status >= 0; n++) {
      status = firmware.call('rt_train_run', trainer, SLICE_CYCLES);
      if (status === 0) return 0;
    }
    return status;
  }

  private guards(): Uint8Array[] {
    const end = this.arena + this.compiled.arenaBytes;
    return [
      this.firmware.u8(this.arena - GUARD_BYTES, GUARD_BYTES),
      this.firmware.u8(end, GUARD_BYTES),
    ];
  }
}

function damage(words: DataView, random: Random, ranges: Range[]): void {
  const { from, to } = random.pick(ranges);
  const at = from + 4 * random.below((to - from) >> 2);
  const old = words.getUint32(at, true);
  const values = [0, 0xffffffff, 0x7fffffff, old + 1, old - 1, old + 4, 2 * old];
  const value = random.oneIn(7) ? random.u32() : random.pick([...values, old ^ 256]);
  words.setUint32(at, value >>> 0, true);
}

it.each<[string, AdapterOptions]>([
  ['head', { method: 'head' }],
  ['skip', { method: 'skip' }],
  ['lora', { method: 'lora' }],
  ['lora with a cache', { method: 'lora', layers: [6, 8], cache: 2 }],
  ['lora on the head', { method: 'lora', layers: [10] }],
])('damaged plans of %s', (_, adapter) => {
  const file = join(projectRoot, 'models/digits/digits.tflite');
  const compiled = compileModel(readFileSync(file), 'digits', { adapter });
  const { plan, all } = structRanges(compiled);
  const bench = new Bench(compiled);
  const seen = new Map<number, number>();
  expect(bench.attempt(() => undefined)).toBe(0);
  for (let seed = 1; seed <= DAMAGED; seed++) {
    const random = new Random(seed);
    const status = bench.attempt((words) => {
      for (let n = random.between(1, 2); n > 0; n--) {
        damage(words, random, random.oneIn(4) ? all : plan);
      }
    });
    seen.set(status, (seen.get(status) ?? 0) + 1);
  }
  // Units and scales may be anything; sizes, offsets, indices and pointers may not.
  expect(seen.get(0)).toBeGreaterThan(DAMAGED / 20);
  expect(seen.get(LAYOUT_ERROR)).toBeGreaterThan(DAMAGED / 3);
});
