import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compileProgram, projectRoot } from '../../sim/compile.ts';
import { listeningCycles } from '../../sim/cycles.ts';
import { DEFAULT_MODEL, engineFactory } from '../../sim/model-engine.ts';
import { loadBoard } from '../../sim/processor.ts';
import { powerOnFor } from '../../sim/targets.ts';
import { World } from '../../sim/world.ts';

it('a second of listening in silence takes what energy reports say', async () => {
  const createEngine = engineFactory(DEFAULT_MODEL);
  const { sampleRate: rate } = await createEngine();
  const world = new World({
    board: loadBoard(),
    program: await compileProgram(join(projectRoot, 'src/keyword.ts')),
    powerOn: powerOnFor({ target: 'rp2040', model: DEFAULT_MODEL, createEngine }),
    seed: 1,
    rate,
    charge: 1,
    events: { onLog: () => undefined, onPrediction: () => undefined, onTraffic: () => undefined },
  });
  await world.powerOn();
  const cyclesAt = async (milliseconds: number): Promise<number> => {
    while (world.clock.now < milliseconds) await world.step(milliseconds);
    return world.board.cycles;
  };
  // The script has found its services and sleeps.
  const before = await cyclesAt(3000);
  const seconds = 3;
  const cycles = (await cyclesAt(3000 + 1000 * seconds)) - before;
  expect(cycles).toBeGreaterThan(0.9 * seconds * listeningCycles(rate));
  expect(cycles).toBeLessThan(1.1 * seconds * listeningCycles(rate));
}, 120_000);
