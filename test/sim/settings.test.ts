/** Jacdac's settings service: `@devicescript/settings` and src/lib/memory.ts, on both VMs. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileProgram, type Program } from '../../sim/compile.ts';
import type { Flash } from '../../sim/machine.ts';
import { createRoom } from '../../sim/room.ts';
import { projectRoot } from '../support/data.ts';

/** What the program prints between a boot and `finished`. */
async function run(program: Program, flash: Flash, target: 'wasm' | 'official'): Promise<string[]> {
  const lines: string[] = [];
  const room = await createRoom({
    program,
    flash,
    target,
    print: () => undefined,
    onLog: (level, text) => {
      if (level !== ' ') lines.push(text);
    },
  });
  await room.start();
  while (!lines.includes('finished') && room.world.clock.now < 20_000)
    await room.world.step(20_000);
  room.world.powerOff();
  return lines;
}

describe('settings', () => {
  let program: Program;
  beforeAll(async () => {
    program = await compileProgram(join(projectRoot, 'test/sim/programs/settings.ts'));
  });

  /** jacdac-ts's server, beside the official VM, knows neither secrets nor events. */
  const ofBoth = (lines: string[]): string[] =>
    lines.filter((line) => !/^(secret|changed|start:|DeviceScript)/.test(line));

  const printed = (boots: number): string[] => [
    `boots ${boots}`,
    `recalled ${boots === 0 ? '[]' : `[3.359219,${boots - 0.5}]`}`,
    'nothing "missing"',
    'written {"long":"A value that does not fit into an entry of the log any more"}',
    'deleted "missing"',
    'secret 00',
    'changed true',
    'finished',
  ];

  it('survive a power cut; secrets do not come out', async () => {
    const flash: Flash = { slots: new Map() };
    for (let boots = 0; boots < 3; boots++) {
      expect(await run(program, flash, 'wasm')).toEqual(printed(boots));
    }
  });

  it('are the same beside the official VM', async () => {
    const flash: Flash = { slots: new Map() };
    for (let boots = 0; boots < 3; boots++) {
      expect(ofBoth(await run(program, flash, 'official'))).toEqual(ofBoth(printed(boots)));
    }
  });
});
