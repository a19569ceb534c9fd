import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileProgram, type Program } from '../../sim/compile.ts';
import { FirmwareBoard } from '../../sim/firmware-board.ts';
import { placeLearner } from '../../sim/learner-setup.ts';
import { DEFAULT_MODEL } from '../../sim/model-engine.ts';
import { loadBoard } from '../../sim/processor.ts';
import { Random } from '../../sim/random.ts';
import { loadRecordings, type Recording } from '../../sim/recordings.ts';
import { DEMO, demoVoices } from '../../sim/voices.ts';
import { WasmChip } from '../../sim/wasm-chip.ts';
import { World } from '../../sim/world.ts';
import { projectRoot } from '../support/data.ts';

const HOUR_MS = 3_600_000;
const WORDS = 1000;
/** Members of rt_heap_stats_t. */
const USED_BYTES = 1;
const COLLECTIONS = 4;

interface Hour {
  words: number;
  right: number;
  /** Bytes that the script holds on to. */
  heapBytes: number;
  collections: number;
}

/** A day of the keyword app with somebody who says a word now and then. */
class Day {
  readonly hours: Hour[] = [];
  said = 0;
  lines: string[] = [];
  private heard = { words: 0, right: 0 };
  private chip!: WasmChip;
  private readonly world: World;
  private readonly random = new Random(7);

  constructor(
    program: Program,
    private readonly recordings: Recording[],
  ) {
    this.world = new World({
      board: loadBoard(),
      program,
      powerOn: (surroundings) =>
        FirmwareBoard.create(surroundings, (seed) => {
          this.chip = new WasmChip({ ...seed, prepare: placeLearner(DEFAULT_MODEL) });
          return Promise.resolve(this.chip);
        }),
      seed: 1,
      rate: 8000,
      charge: 1,
      events: {
        onLog: (level, text) => {
          if (level !== ' ') this.lines.push(text);
        },
        onPrediction: ({ label }, { truth }) => {
          this.heard.words++;
          if (truth?.label === String(label)) this.heard.right++;
        },
        onTraffic: () => undefined,
      },
    });
  }

  get charge(): number {
    return this.world.battery.charge;
  }

  async live(hours: number): Promise<void> {
    const { world } = this;
    await world.powerOn();
    const timers = world.clock.group();
    const gap = (24 * HOUR_MS) / WORDS;
    const speak = (): void => {
      const word = this.recordings[this.random.below(this.recordings.length)] as Recording;
      world.microphone.forgetBefore(world.clock.now - 10_000);
      world.microphone.play({ ...word, at: world.clock.now });
      this.said++;
    };
    for (let n = 0; n * gap < hours * HOUR_MS; n++) {
      timers.setTimeout(speak, (n + 0.5) * gap);
    }
    for (let hour = 1; hour <= hours; hour++) {
      while (world.clock.now < hour * HOUR_MS) await world.step(hour * HOUR_MS);
      this.hours.push({ ...this.heard, ...this.measureHeap() });
      this.heard = { words: 0, right: 0 };
    }
    world.powerOff();
  }

  /** What is left after a collection. */
  private measureHeap(): { heapBytes: number; collections: number } {
    const { firmware } = this.chip;
    const at = firmware.allocate(24);
    firmware.call('rt_heap_stats', at);
    const collections = firmware.u32(at, 6)[COLLECTIONS] as number;
    firmware.call('rt_heap_collect');
    firmware.call('rt_heap_stats', at);
    return { heapBytes: firmware.u32(at, 6)[USED_BYTES] as number, collections };
  }
}

describe('a day of the keyword app', () => {
  let day: Day;

  beforeAll(async () => {
    const program = await compileProgram(join(projectRoot, 'src/keyword.ts'));
    const recordings = loadRecordings(await demoVoices(() => undefined), 8000);
    day = new Day(
      program,
      recordings.filter(({ speaker }) => speaker === DEMO.known),
    );
    await day.live(24);
  });

  it('hears a thousand words in 24 hours, and nothing else', () => {
    expect(day.said).toBe(WORDS);
    expect(day.hours).toHaveLength(24);
    expect(day.hours.reduce((sum, { words }) => sum + words, 0)).toBe(WORDS);
    const right = day.hours.reduce((sum, hour) => sum + hour.right, 0);
    expect(right / WORDS).toBeGreaterThan(0.95);
    expect(day.lines.filter((line) => line.startsWith('statistic'))).toHaveLength(WORDS);
  });

  it('collects garbage all day and holds on to nothing', () => {
    const [first, ...later] = day.hours.map(({ heapBytes }) => heapBytes);
    for (const bytes of later) expect(Math.abs(bytes - (first as number))).toBeLessThan(512);
    const collections = day.hours.map((hour) => hour.collections);
    expect(collections).toEqual([...collections].sort((a, b) => a - b));
    expect(collections.at(-1)).toBeGreaterThan(100);
  });

  it('lives on its battery', () => {
    expect(day.charge).toBeLessThan(1);
    expect(day.charge).toBeGreaterThan(0.5);
  });
});
