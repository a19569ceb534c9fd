/** Views of a window: what rt_windows_show may change, and what it must leave. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../sim/engine.ts';
import { METHODS, readInputs, trainedCase } from './cases.ts';

const ROWS = 49;
const COLUMNS = 10;
const WINDOW = 5;
const NONE = { shiftRows: 0, tempo: 0, noise: 0, gain: 0, erode: 0 };

describe('a view', () => {
  let engine: Engine;
  let plain: number[][];
  beforeAll(async () => {
    engine = await trainedCase('digits', 'head');
    const input = readInputs('digits', engine.inputBytes)[WINDOW] ?? new Int8Array();
    plain = rowsOf(input);
  });

  const rowsOf = (values: Int8Array): number[][] =>
    Array.from({ length: ROWS }, (_, row) => [
      ...values.subarray(row * COLUMNS, (row + 1) * COLUMNS),
    ]);

  /** A view for each seed; the jitter as in rt_windows_jitter_t. */
  function views(jitter: Partial<typeof NONE>, count: number): number[][][] {
    const { firmware, trainer } = engine.training.internals;
    const memory = firmware.allocate(64);
    const { shiftRows, tempo, noise, gain, erode } = { ...NONE, ...jitter };
    firmware.u32(memory, 5).set([shiftRows, tempo * 256, noise * 256, gain * 256, erode * 256]);
    const windows = firmware.call('rt_sim_trainer_windows', trainer);
    return Array.from({ length: count }, (_, i) => {
      firmware.u32(memory + 32, 1)[0] = firmware.call('rt_fixed_seed', i) >>> 0;
      firmware.call('rt_windows_show', windows, WINDOW, memory, memory + 32);
      return rowsOf(engine.tensor(0));
    });
  }

  it('without any jitter is the window', () => {
    expect(views({}, 3)).toEqual([plain, plain, plain]);
  });

  it('is moved by whole rows, the edge repeated, both ways, no further than asked', () => {
    const shifts = views({ shiftRows: 3 }, 60).map((view) => {
      const matching = [-3, -2, -1, 0, 1, 2, 3].filter((shift) =>
        view.every((row, i) => {
          const source = Math.min(ROWS - 1, Math.max(0, i - shift));
          return row.join() === plain[source]?.join();
        }),
      );
      expect(matching).toHaveLength(1);
      return matching[0];
    });
    expect(new Set(shifts).size).toBe(7);
  });

  it('is stretched about its middle', () => {
    for (const view of views({ tempo: 0.25 }, 40)) {
      expect(view[24]).toEqual(plain[24]);
      const sources = view.map((row) => plain.findIndex((other) => other.join() === row.join()));
      expect(Math.min(...sources)).toBeGreaterThanOrEqual(0);
      for (let i = 1; i < ROWS; i++) {
        const step = (sources[i] ?? NaN) - (sources[i - 1] ?? NaN);
        // Repeated rows of the padding are found at their first place.
        if (step > 0 && sources[i - 1] !== plain.findIndex((r) => r.join() === plain[0]?.join())) {
          expect(step).toBeLessThanOrEqual(2);
        }
      }
    }
  });

  it('gets noise in proportion to the spread of each column', () => {
    const all = views({ noise: 0.2 }, 300);
    for (let c = 0; c < COLUMNS; c++) {
      const column = plain.map((row) => row[c] ?? NaN);
      const mean = column.reduce((a, b) => a + b, 0) / ROWS;
      const spread = (1.25 * column.reduce((a, b) => a + Math.abs(b - mean), 0)) / ROWS;
      const noise = all.flatMap((view) =>
        view.map((row, i) => (row[c] ?? NaN) - (column[i] ?? NaN)),
      );
      const bias = noise.reduce((a, b) => a + b, 0) / noise.length;
      const deviation = Math.sqrt(noise.reduce((a, b) => a + b * b, 0) / noise.length);
      expect(Math.abs(bias)).toBeLessThan(0.15);
      // Rounding to steps adds 1/12 to the variance.
      expect(deviation).toBeCloseTo(Math.sqrt((0.2 * spread) ** 2 + 1 / 12), 0);
    }
  });

  it('is louder or softer in its level only, not below its own minimum', () => {
    const lowest = Math.min(...plain.map((row) => row[0] ?? NaN));
    const levels = plain.map((row) => row[0] ?? NaN);
    const loudest = levels.indexOf(Math.max(...levels));
    const gains = views({ gain: 0.5 }, 40).map((view) => {
      const gain = (view[loudest]?.[0] ?? NaN) - (plain[loudest]?.[0] ?? NaN);
      view.forEach((row, i) => {
        expect(row.slice(1)).toEqual(plain[i]?.slice(1));
        const level = Math.min(127, Math.max(lowest, (plain[i]?.[0] ?? NaN) + gain));
        if (gain < 0) expect(row[0]).toBe(level);
      });
      return gain;
    });
    expect(Math.min(...gains)).toBeLessThan(0);
    expect(Math.max(...gains)).toBeGreaterThan(0);
  });

  it('loses its quiet ends to the quietest row when eroded', () => {
    const levels = plain.map((row) => row[0] ?? NaN);
    const quiet = plain[levels.indexOf(Math.min(...levels))] ?? [];
    const changed = views({ erode: 1 }, 20).map((view) => {
      const kept = view.map((row, i) => row.join() === plain[i]?.join());
      view.forEach((row, i) => {
        if (!kept[i]) expect(row).toEqual(quiet);
      });
      const loudest = levels.indexOf(Math.max(...levels));
      expect(kept[loudest]).toBe(true);
      return kept.filter((same) => !same).length;
    });
    expect(new Set(changed).size).toBeGreaterThan(1);
  });
});

describe('views that change nothing', () => {
  it.each(METHODS)('%s: train the same adapter as the windows themselves', async (method) => {
    const steps = method === 'lora' ? 2 : 12;
    const train = async (views: number): Promise<Uint8Array> => {
      const { training } = await trainedCase('digits', method);
      training.begin({ ...NONE, steps, batch: 2, views });
      training.run();
      return training.save();
    };
    expect(await train(4)).toEqual(await train(1));
  });
});
