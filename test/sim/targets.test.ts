import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileProgram, type Program } from '../../sim/compile.ts';
import type { Prediction } from '../../sim/learner.ts';
import { DEFAULT_MODEL, engineFactory } from '../../sim/model-engine.ts';
import { loadBoard } from '../../sim/processor.ts';
import { Random } from '../../sim/random.ts';
import { loadRecordings, type Recording } from '../../sim/recordings.ts';
import { powerOnFor, type Target } from '../../sim/targets.ts';
import { DEMO, demoVoices } from '../../sim/voices.ts';
import { World } from '../../sim/world.ts';
import { projectRoot } from '../support/data.ts';

const WORDS = 8;
const FIRST_MS = 3000;
const GAP_MS = 2500;

interface Run {
  predictions: (Omit<Prediction, 'window'> & { said?: string })[];
  /** What the script says: its statistic and its decisions. */
  lines: string[];
}

/** The same words at the same times, whatever the board makes of them. */
async function run(target: Target, program: Program, words: Recording[]): Promise<Run> {
  const predictions: Run['predictions'] = [];
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
        if (level === '>') lines.push(text);
      },
      onPrediction: ({ window: _, ...prediction }, { truth }) => {
        // before the script has set the wake level, capture cuts silence
        if (truth !== undefined) predictions.push({ ...prediction, said: truth.label });
      },
      onTraffic: () => undefined,
    },
  });
  await world.powerOn();
  const timers = world.clock.group();
  words.forEach((word, n) => {
    timers.setTimeout(
      () => world.microphone.play({ ...word, at: world.clock.now }),
      FIRST_MS + n * GAP_MS,
    );
  });
  const end = FIRST_MS + words.length * GAP_MS;
  while (world.clock.now < end) await world.step(end);
  world.powerOff();
  return { predictions, lines };
}

describe('the keyword app with the same recording', () => {
  const runs = new Map<Target, Run>();

  beforeAll(async () => {
    const program = await compileProgram(join(projectRoot, 'src/keyword.ts'));
    const recordings = loadRecordings(await demoVoices(() => undefined), 8000);
    const known = recordings.filter(({ speaker }) => speaker === DEMO.known);
    const words = new Random(3).shuffled(known).slice(0, WORDS);
    for (const target of ['official', 'wasm', 'rp2040'] as const) {
      runs.set(target, await run(target, program, words));
    }
  });

  it('hears every word on the official VM', () => {
    const { predictions, lines } = runs.get('official') as Run;
    expect(predictions).toHaveLength(WORDS);
    expect(lines.filter((line) => line.startsWith('statistic'))).toHaveLength(WORDS);
    expect(lines).toContain('decision base model');
  });

  it.each(['wasm', 'rp2040'] as const)('predicts and decides the same on %s', (target) => {
    const { predictions, lines } = runs.get('official') as Run;
    expect(runs.get(target)?.predictions).toEqual(predictions);
    const said = (all: string[] | undefined): string[] | undefined =>
      all?.filter((line) => /^(statistic|decision|drift|enrol|ask)/.test(line));
    expect(said(runs.get(target)?.lines)).toEqual(said(lines));
  });
});
