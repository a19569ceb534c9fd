/** The same deltas to a board with our firmware and to the official VM's twin of it. */
import { describe, expect, it } from 'vitest';
import { packDelta, type PackOptions, signDelta } from '../../fleet/delta.ts';
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

describe('the official VM', () => {
  it('takes deltas, tries and takes back, and refuses what a device refuses', async () => {
    const flash: Flash = {
      slots: new Map(),
      delta: { counter: 0, owner: Buffer.from(RFC_PUBLIC, 'hex') },
    };
    let world = await startBoard('official', flash);
    expect(await statusOf(world, delta({ name: 'first' }, base))).toBe('ok');
    expect(await slots(world)).toEqual([[2, 'fresh', 'first', 5]]);
    expect(await readAdapter(2, 0, linkTo(world))).toEqual(base);

    // nobody confirms: on trial at the next start, gone at the one after
    world.powerOff();
    world = await startBoard('official', flash);
    expect(await slots(world)).toEqual([[2, 'trial', 'first', 5]]);
    world.powerOff();
    world = await startBoard('official', flash);
    expect(await slots(world)).toEqual([]);

    // and its number is used up all the same
    expect(await statusOf(world, delta({ counter: 5 }))).toBe('oldCounter');
    const stranger = privateKeyFrom('33'.repeat(32));
    expect(await statusOf(world, delta({ counter: 6 }, skip, stranger))).toBe('badSignature');
    expect(await statusOf(world, delta({ counter: 6, base }))).toBe('wrongBase');
    expect(await statusOf(world, delta({ counter: 6 }, readGolden('head.adapter')))).toBe(
      'wrongLayout',
    );
    expect(await statusOf(world, delta({ counter: 6 }))).toBe('ok');
    expect((await readDevice(linkTo(world))).owner).toEqual(
      Uint8Array.from(Buffer.from(RFC_PUBLIC, 'hex')),
    );
    world.powerOff();
  });
});
