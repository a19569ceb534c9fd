/**
 * A script that hears, learns and saves, on our VM as WebAssembly, on the emulated RP2040 through its
 * converter and its flash, and on the official VM with the services in TypeScript beside it: the same
 * lines, also after the power was away.
 */
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { SimulatedBoard } from '../../sim/board.ts';
import type { Chip, Sound } from '../../sim/chip.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { compileProgram } from '../../sim/compile.ts';
import { placeLearner } from '../../sim/learner-setup.ts';
import type { Flash } from '../../sim/machine.ts';
import { Microphone } from '../../sim/microphone.ts';
import { DEFAULT_MODEL, engineFactory } from '../../sim/model-engine.ts';
import { Battery, loadBoard } from '../../sim/processor.ts';
import { loadRecordings, type Recording } from '../../sim/recordings.ts';
import { Rp2040Chip } from '../../sim/rp2040/chip.ts';
import { DEMO, demoVoices } from '../../sim/voices.ts';
import { WasmChip } from '../../sim/wasm-chip.ts';
import { projectRoot } from '../support/data.ts';

const PROGRAM = join(projectRoot, 'test/services/programs/hear.ts');
const RATE = 8000;
const BLOCK_MS = 20;
const LIMIT_MS = 20_000;
const DEVICE = '1d46a30eef48919f';

let words: Recording[];
let program: Uint8Array;

beforeAll(async () => {
  const all = loadRecordings(await demoVoices(), RATE);
  words = all.filter(({ speaker, take }) => speaker === DEMO.new && take === 0).slice(0, 3);
  program = (await compileProgram(PROGRAM, { restarts: true })).image;
});

/** A word every 1.5 s, the first 2 s after `begin`. */
function speaking(begin = 0): Microphone {
  const microphone = new Microphone(RATE);
  words.forEach((word, i) => microphone.play({ at: begin + 2000 + 1500 * i, ...word }));
  return microphone;
}

/** The same, counted from the block in which the converter was started. */
function sound(): Sound {
  const microphone = speaking();
  let position = 0;
  return {
    begin: (instant) => {
      position = microphone.blockAt(instant + BLOCK_MS - 0.01);
    },
    next: (count) => {
      position += count;
      return microphone.read(position - count, position);
    },
  };
}

const powerOn = {
  wasm: (flash?: Uint8Array) =>
    Promise.resolve(
      new WasmChip({ ...board(), flash, prepare: placeLearner(DEFAULT_MODEL) }) as Chip,
    ),
  rp2040: (flash?: Uint8Array): Promise<Chip> =>
    Rp2040Chip.create({ ...board(), flash, model: DEFAULT_MODEL }),
};

const board = () => ({ deviceId: DEVICE, seed: 1, program, staysStopped: true, sound: sound() });

/** Lines of the script up to its end. */
function linesOf(chip: Chip): string[] {
  const lines: string[] = [];
  while (!lines.includes('> done') && chip.now < LIMIT_MS && chip.stop === undefined) {
    chip.advance(chip.now + BLOCK_MS);
    chip.take();
    const news = chip.takeConsole?.() ?? [];
    lines.push(...news.filter((line) => line.startsWith('>') || line.startsWith('!')));
  }
  return lines;
}

async function life(target: keyof typeof powerOn): Promise<string[]> {
  const first = await powerOn[target]();
  const lines = linesOf(first);
  return [...lines, ...linesOf(await powerOn[target](Uint8Array.from(first.flash)))];
}

/** The same on the official VM, whose energy is estimated a little differently. */
async function officialLife(): Promise<string[]> {
  const clock = new VirtualClock();
  const flash: Flash = { slots: new Map() };
  const lines: string[] = [];
  for (const life of [0, 1]) {
    const compiled = await compileProgram(PROGRAM, { restarts: true });
    const powered = await SimulatedBoard.create({
      clock,
      flash,
      board: loadBoard(),
      services: compiled.services,
      battery: new Battery(loadBoard(), 1),
      microphone: speaking(clock.now),
      createEngine: engineFactory(DEFAULT_MODEL),
      randomBytes: (count) => new Uint8Array(count),
      events: {
        onLog: (level, text) => {
          if (level === '>') lines.push(`> ${text}`);
        },
        onPanic: () => undefined,
        onPrediction: () => undefined,
        onTraffic: () => undefined,
        onBrightness: () => undefined,
      },
    });
    await powered.boot(life === 0 ? compiled : undefined);
    const end = clock.now + LIMIT_MS;
    while (lines.filter((line) => line === '> done').length <= life && clock.now < end) {
      await powered.step(end);
    }
    powered.powerOff();
    clock.advance(Math.ceil(clock.now / 1000) * 1000); // on a block of the microphone
  }
  return lines;
}

it('WebAssembly and the emulated chip hear, learn, save and go on alike', async () => {
  const lines = await life('wasm');
  const starts = (word: string): number =>
    lines.filter((line) => line.startsWith(`> ${word} `)).length;
  expect([starts('prediction'), starts('trained'), starts('check')]).toEqual([4, 1, 1]);
  expect(lines).toContain('> save [0,3958]');
  expect(lines).toContain('> slot 1');
  expect(lines).toContain('> load [0,3958]');
  expect(await life('rp2040')).toEqual(lines);
}, 600_000);

it('so does the official VM', async () => {
  const isComparable = (line: string): boolean => !line.startsWith('> energy');
  expect((await officialLife()).filter(isComparable)).toEqual(
    (await life('wasm')).filter(isComparable),
  );
});
