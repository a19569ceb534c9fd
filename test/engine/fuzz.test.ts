/**
 * Damaged compiled models in the firmware's memory: either the model check refuses them, or they run
 * and touch nothing outside their arena. test/native does the same under AddressSanitizer.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compileModel, type CompiledModel } from '../../compiler/compile.ts';
import { buildImage } from '../../compiler/emit-image.ts';
import { Firmware } from '../../sim/firmware.ts';
import { projectRoot } from '../support/data.ts';
import { Random } from '../support/random.ts';
import { randomModel } from '../support/random-model.ts';
import { writeTflite } from '../support/tflite-writer.ts';

const GUARD_BYTES = 4096;
const GUARD = 0x5a;
const LAYOUT_ERROR = -3;
/** More than any layer of these models takes; a damaged size must not run for minutes. */
const BUDGET = 50_000_000;

/** A firmware with an image, guarded memory around the arena, and a way to try changed images. */
class Bench {
  readonly image: Uint8Array;
  private readonly firmware = new Firmware();
  private readonly at: number;
  private readonly engine: number;
  private readonly arena: number;

  constructor(private readonly compiled: CompiledModel) {
    const { firmware } = this;
    const bytes = buildImage(compiled.description, 0).bytes.length;
    this.at = firmware.allocate(bytes);
    this.image = buildImage(compiled.description, this.at).bytes;
    this.engine = firmware.allocate(firmware.call('rt_sim_engine_bytes'));
    firmware.allocate(GUARD_BYTES);
    this.arena = firmware.allocate(compiled.arenaBytes);
    firmware.allocate(GUARD_BYTES);
  }

  /** Places an image; returns the status of init, and runs it if that is RT_OK. */
  attempt(image: Uint8Array): number {
    const { firmware, at, arena, compiled } = this;
    firmware.u8(at, image.length).set(image);
    this.guards().forEach((guard) => guard.fill(GUARD));
    const args = [this.engine, at, at, image.length, arena, compiled.arenaBytes];
    const status = firmware.call('rt_sim_engine_init', ...args);
    if (status === 0) {
      firmware.call('rt_engine_begin', this.engine);
      firmware.call('rt_engine_run', this.engine, BUDGET);
    }
    expect(this.guards().every((guard) => guard.every((byte) => byte === GUARD))).toBe(true);
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

/** Sets a word to something: an extreme, a neighbour, one bit off, or the address of another. */
function damage(image: Uint8Array, random: Random, from: number, to: number): Uint8Array {
  const copy = Uint8Array.from(image);
  const words = new DataView(copy.buffer);
  for (let n = random.between(1, 3); n > 0; n--) {
    const at = from + 4 * random.below((to - from) >> 2);
    const old = words.getUint32(at, true);
    const values = [0, 0xffffffff, 0x7fffffff, old + 1, old - 1, old ^ (1 << random.below(32))];
    const value = random.oneIn(7) ? random.u32() : random.pick(values);
    words.setUint32(at, value >>> 0, true);
  }
  return copy;
}

describe('damaged compiled models', () => {
  it('of random networks: every word of every table', () => {
    const seen = new Map<number, number>();
    for (let seed = 1; seed <= 40; seed++) {
      const bench = new Bench(compileModel(writeTflite(randomModel(seed)), 'random'));
      const random = new Random(seed);
      expect(bench.attempt(bench.image)).toBe(0);
      for (let n = 0; n < 60; n++) {
        const status = bench.attempt(damage(bench.image, random, 0, bench.image.length & ~3));
        seen.set(status, (seen.get(status) ?? 0) + 1);
      }
    }
    expect(seen.get(0)).toBeGreaterThan(100); // weights and biases may have any value
    expect(seen.get(LAYOUT_ERROR)).toBeGreaterThan(100);
  });

  it('of the digits model: sizes, offsets and pointers', () => {
    const bytes = readFileSync(join(projectRoot, 'models/digits/digits.tflite'));
    const bench = new Bench(compileModel(bytes, 'digits'));
    const random = new Random(1);
    const root = 44; // rt_model_t
    let refused = 0;
    for (let n = 0; n < 200; n++) {
      if (bench.attempt(damage(bench.image, random, 0, root)) !== 0) refused += 1;
    }
    expect(refused).toBeGreaterThan(120);
  });

  it('truncated anywhere', () => {
    const bench = new Bench(compileModel(writeTflite(randomModel(5)), 'random'));
    for (let bytes = 0; bytes < bench.image.length - 4; bytes += 4) {
      expect(bench.attempt(bench.image.subarray(0, bytes))).toBeLessThan(0);
    }
  });
});
