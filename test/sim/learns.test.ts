import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileProgram, type Program } from '../../sim/compile.ts';
import { DEFAULT_MODEL, engineFactory } from '../../sim/model-engine.ts';
import { loadBoard } from '../../sim/processor.ts';
import { loadRecordings, type Recording } from '../../sim/recordings.ts';
import { powerOnFor, type Target } from '../../sim/targets.ts';
import { DEMO, demoVoices } from '../../sim/voices.ts';
import { World } from '../../sim/world.ts';
import { projectRoot } from '../support/data.ts';

const GAP_MS = 2500;
const LIMIT_MS = 60_000;

/** Says a word whenever the last one has been answered, and the last of the list again and again. */
async function run(target: Target, program: Program, words: Recording[]): Promise<string[]> {
  const lines: string[] = [];
  const world = new World({
    board: loadBoard(),
    program,
    powerOn: powerOnFor({
      target,
      model: DEFAULT_MODEL,
      createEngine: engineFactory(DEFAULT_MODEL),
    }),
    seed: 1,
    rate: 8000,
    charge: 1,
    events: {
      onLog: (level, text) => {
        if (level !== ' ' && !/^heard .* -96/.test(text)) lines.push(`${level} ${text}`);
      },
      onPrediction: () => undefined,
      onTraffic: () => undefined,
    },
  });
  await world.powerOn();
  const timers = world.clock.group();
  let said = 0;
  timers.setInterval(() => {
    const isTraining = lines.at(-1)?.startsWith('> train') === true;
    if (isTraining) return;
    const word = words[Math.min(said++, words.length - 1)] as Recording;
    world.microphone.play({ ...word, at: world.clock.now });
  }, GAP_MS);
  const loaded = (): boolean => {
    const at = lines.findIndex((line) => line.startsWith('> load'));
    return at >= 0 && lines.slice(at).some((line) => line.startsWith('> heard'));
  };
  while (world.clock.now < LIMIT_MS && !loaded()) await world.step(LIMIT_MS);
  world.powerOff();
  return lines;
}

describe('learning on the board', () => {
  const runs = new Map<Target, string[]>();

  beforeAll(async () => {
    const program = await compileProgram(join(projectRoot, 'test/sim/programs/learns.ts'));
    const recordings = loadRecordings(await demoVoices(() => undefined), 8000);
    const words = ['1', '2', '3'].map((label) =>
      recordings.find((one) => one.speaker === DEMO.known && one.label === label),
    ) as Recording[];
    for (const target of ['wasm', 'rp2040'] as const) {
      runs.set(target, await run(target, program, words));
    }
  });

  it('trains, saves to flash, resets itself, loads and goes on, on the emulated RP2040', () => {
    const lines = runs.get('rp2040') ?? [];
    const order = ['newest 255', 'remember', 'train 0', 'done 0 12', 'save [0,', 'reset'];
    order.push('newest 1', 'load [0,', 'heard');
    let from = 0;
    for (const text of order) {
      const at = lines.findIndex((line, i) => i >= from && line.startsWith(`> ${text}`));
      expect(at, `${text} in\n${lines.join('\n')}`).toBeGreaterThanOrEqual(from);
      from = at;
    }
  });

  it('predicts the same before the reset and after it, and not as before training', () => {
    const lines = runs.get('rp2040') ?? [];
    const heard = lines.filter((line) => line.startsWith('> heard'));
    const [untrained, trained, reset] = heard.slice(-3);
    expect(trained).not.toEqual(untrained);
    expect(reset).toEqual(trained);
  });

  it('is the same, line by line, as WebAssembly', () => {
    expect(runs.get('rp2040')).toEqual(runs.get('wasm'));
  });
});
