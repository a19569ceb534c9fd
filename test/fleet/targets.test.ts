/** The same deltas to a board with our firmware and to the official VM's twin of it. */
import { describe, expect, it } from 'vitest';
import { readBlob, writeBlob } from '../../fleet/blob.ts';
import { packDelta, type PackOptions, signDelta } from '../../fleet/delta.ts';
import { OwnedBoard } from '../../fleet/owner.ts';
import { applyDelta, readAdapter, readDevice, RefusedError } from '../../fleet/transfer.ts';
import type { Flash } from '../../sim/machine.ts';
import type { World } from '../../sim/world.ts';
import { owner, privateKeyFrom, readGolden, RFC_PUBLIC } from './golden.ts';
import { linkTo, startBoard } from './world.ts';

const skip = readGolden('skip.adapter');
const base = readGolden('base.adapter');

const delta = (options: Partial<PackOptions> = {}, blob = skip, key = owner): Uint8Array =>
  signDelta(packDelta(blob, 'x', { counter: 5, name: 'ada', slot: 2, ...options }), 'x', key);

async function statusOf(world: World, bytes: Uint8Array): Promise<string> {
  try {
    await applyDelta(bytes, 'x', linkTo(world));
    return 'ok';
  } catch (error) {
    if (error instanceof RefusedError) return error.status;
    throw error;
  }
}

const slots = async (world: World): Promise<unknown[]> =>
  (await readDevice(linkTo(world))).slots.map(({ slot, state, name, counter }) => [
    slot,
    state,
    name,
    counter,
  ]);

/** What a board does with deltas, whatever it is made of. */
async function story(start: () => Promise<World>): Promise<void> {
  let world = await start();
  expect(await statusOf(world, delta({ name: 'first' }, base))).toBe('ok');
  expect(await slots(world)).toEqual([[2, 'fresh', 'first', 5]]);
  expect(await readAdapter(2, 0, linkTo(world))).toEqual(base);

  // nobody confirms: on trial at the next start, gone at the one after
  world.powerOff();
  world = await start();
  expect(await slots(world)).toEqual([[2, 'trial', 'first', 5]]);
  world.powerOff();
  world = await start();
  expect(await slots(world)).toEqual([]);

  // and its number is used up all the same
  const stranger = privateKeyFrom('33'.repeat(32));
  const refused: [Uint8Array, string][] = [
    [delta({ counter: 5 }), 'oldCounter'],
    [delta({ counter: 6 }, skip, stranger), 'badSignature'],
    [delta({ counter: 6, base }), 'wrongBase'],
    [delta({ counter: 6 }, readGolden('head.adapter')), 'wrongLayout'],
    [delta({ counter: 6, device: 'f'.repeat(16) }), 'wrongDevice'],
    [delta({ counter: 6 }, ofModel(1)), 'wrongModel'],
    [resigned(delta({ counter: 6 }), 48 + 3 + 20), 'badCoding'],
    [resigned(delta({ counter: 6, coding: 'raw' }), 48 + 3 + 20), 'badAdapter'],
  ];
  for (const [file, status] of refused) {
    expect([status, await statusOf(world, file)]).toEqual([status, status]);
    expect(await slots(world)).toEqual([]);
  }
  const { device } = await readDevice(linkTo(world));
  expect(await statusOf(world, delta({ counter: 6, device }))).toBe('ok');
  expect(await readAdapter(2, 0, linkTo(world))).toEqual(skip);
  // over one that is not confirmed, and as the difference to it
  expect(await statusOf(world, delta({ counter: 7, base: skip, name: '' }, base))).toBe('ok');
  expect(await slots(world)).toEqual([[2, 'fresh', '', 7]]);
  expect(await readAdapter(2, 0, linkTo(world))).toEqual(base);
  const { owner: key, counter } = await readDevice(linkTo(world));
  expect(Buffer.from(key ?? []).toString('hex')).toBe(RFC_PUBLIC);
  expect(counter).toBe(7);
  world.powerOff();
}

/** A byte is changed, and the owner signs all the same. */
function resigned(file: Uint8Array, at: number): Uint8Array {
  const changed = file.slice();
  changed[at] = (changed[at] ?? 0) ^ 1;
  return signDelta(changed, 'x', owner);
}

function ofModel(modelHash: number): Uint8Array {
  const adapter = readBlob(skip);
  if (typeof adapter === 'string') throw new Error(adapter);
  return writeBlob({ ...adapter, modelHash });
}

describe('deltas', () => {
  it('are taken, tried and taken back beside the official VM', async () => {
    const key = Buffer.from(RFC_PUBLIC, 'hex');
    const flash: Flash = { slots: new Map(), delta: { counter: 0, owner: key } };
    await story(() => startBoard('official', flash));
  });

  it('are taken, tried and taken back by the firmware, once somebody owns the board', async () => {
    const flash: Flash = { slots: new Map() };
    const world = await startBoard('wasm', flash);
    expect(await statusOf(world, delta())).toBe('unclaimed');
    const board = await OwnedBoard.connect(linkTo(world), { timeout: 10 });
    await board.tell('claim', owner);
    board.close();
    world.powerOff();
    await story(() => startBoard('wasm', flash));
  });
});
