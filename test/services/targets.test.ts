/**
 * A script that hears, learns and saves, on our VM as WebAssembly and on the emulated RP2040 through
 * its converter and its flash: the same lines, also after the power was away.
 */
import { beforeAll, expect, it } from 'vitest';
import type { Chip, Sound } from '../../sim/chip.ts';
import { compileProgram } from '../../sim/compile.ts';
import { placeLearner } from '../../sim/learner-setup.ts';
import { Microphone } from '../../sim/microphone.ts';
import { DEFAULT_MODEL } from '../../sim/model-engine.ts';
import { loadRecordings, type Recording } from '../../sim/recordings.ts';
import { Rp2040Chip } from '../../sim/rp2040/chip.ts';
import { DEMO, demoVoices } from '../../sim/voices.ts';
import { WasmChip } from '../../sim/wasm-chip.ts';

const RATE = 8000;
const BLOCK_MS = 20;
const LIMIT_MS = 20_000;
const DEVICE = '1d46a30eef48919f';

let words: Recording[];
let program: Uint8Array;

beforeAll(async () => {
  const all = loadRecordings(await demoVoices(), RATE);
  words = all.filter(({ speaker, take }) => speaker === DEMO.new && take === 0).slice(0, 3);
  program = (await compileProgram('test/services/programs/hear.ts', { restarts: true })).image;
});

/** A word every 1.3 s, from the block in which the converter was started. */
function sound(): Sound {
  const microphone = new Microphone(RATE);
  words.forEach((word, i) => microphone.play({ at: 700 + 1300 * i, ...word }));
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
