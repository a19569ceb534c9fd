/**
 * What one board has learned, on another: the keyword app with a speaker it was not made for gets the
 * adapter that another board trained on her, tries it on her words, and keeps it.
 */
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { readBlob, writeBlob } from '../../fleet/blob.ts';
import { packDelta, signDelta } from '../../fleet/delta.ts';
import { OwnedBoard } from '../../fleet/owner.ts';
import { applyDelta, readDevice } from '../../fleet/transfer.ts';
import { compileProgram, type Program } from '../../sim/compile.ts';
import type { Flash } from '../../sim/machine.ts';
import { DEMO, demoVoices } from '../../sim/voices.ts';
import { projectRoot } from '../support/data.ts';
import { Random } from '../support/random.ts';
import { owner, readGolden } from './golden.ts';
import { linkTo, startBoard } from './world.ts';

let program: Program;
let data: string;
beforeAll(async () => {
  data = await demoVoices();
  program = await compileProgram(join(projectRoot, 'src/keyword.ts'));
});

/** A new board that its owner has claimed. */
async function claimedFlash(): Promise<Flash> {
  const flash: Flash = { slots: new Map() };
  const world = await startBoard('wasm', flash);
  const board = await OwnedBoard.connect(linkTo(world), { timeout: 10 });
  await board.tell('claim', owner);
  board.close();
  world.powerOff();
  return flash;
}

interface Listening {
  decisions: string[];
  states: string[];
}

/** The app listens to the speaker for so many seconds; `file` arrives while it does. */
async function listen(flash: Flash, seconds: number, file?: Uint8Array): Promise<Listening> {
  const lines: string[] = [];
  const onLog = (_: string, text: string): void => void lines.push(text);
  const world = await startBoard('wasm', flash, { program, data, speaker: DEMO.new, onLog });
  const link = linkTo(world);
  while (world.clock.now < 5000) await world.step(5000);
  if (file !== undefined) await applyDelta(file, 'x', link);
  const end = world.clock.now + 1000 * seconds;
  while (world.clock.now < end) await world.step(end);
  const { slots } = await readDevice(link);
  world.powerOff();
  const decisions = lines.filter((line) => /^(decision|update|trial)/.test(line));
  return { decisions, states: slots.map(({ slot, state, name }) => `${slot} ${state} ${name}`) };
}

const delta = (adapter: Uint8Array, counter: number, name: string): Uint8Array =>
  signDelta(packDelta(adapter, 'x', { counter, slot: 1, name }), 'x', owner);

/** An adapter that hears anything as something else. */
function spoilt(): Uint8Array {
  const adapter = readBlob(readGolden('skip.adapter'));
  if (typeof adapter === 'string') throw new Error(adapter);
  const random = new Random(1);
  const payload = adapter.payload.map((byte, i) => (i < 4 || i > 3700 ? byte : random.below(256)));
  return writeBlob({ ...adapter, payload });
}

it('keeps what helps, takes back what does not, and has the right one after each start', async () => {
  const flash = await claimedFlash();
  const first = await listen(flash, 60, delta(readGolden('skip.adapter'), 3, 'child'));
  expect(first.decisions).toEqual([
    'decision base model',
    'update slot=1',
    'trial slot=1 words=10',
    'decision update keep, 1 of the words are right',
  ]);
  expect(first.states).toEqual(['1 kept child']);

  const second = await listen(flash, 60, delta(spoilt(), 4, 'spoilt'));
  expect(second.decisions.slice(0, 3)).toEqual([
    'decision adapter from slot 1',
    'update slot=1',
    'trial slot=1 words=10',
  ]);
  expect(second.decisions[3]).toMatch(/^decision update revert, 0(\.[0-6]\d*)? of the words are/);
  expect(second.decisions.slice(4)).toEqual(['decision adapter from slot 1']);
  expect(second.states).toEqual(['1 kept child']);

  const later = await listen(flash, 10);
  expect(later.decisions).toEqual(['decision adapter from slot 1']);
  expect(later.states).toEqual(['1 kept child']);
});
