/** A delta over links of all sorts: it arrives whole or not at all, and goes on where it broke off. */
import { describe, expect, it } from 'vitest';
import { blobCrc, readBlob, writeBlob } from '../../fleet/blob.ts';
import { packDelta, type PackOptions, signDelta } from '../../fleet/delta.ts';
import { applyDelta, readAdapter, readDevice, RefusedError } from '../../fleet/transfer.ts';
import { DEVICE, FakeBoard } from './board.ts';
import { owner, privateKeyFrom, readGolden } from './golden.ts';

const skip = readGolden('skip.adapter');
const base = readGolden('base.adapter');

const delta = (options: Partial<PackOptions> = {}, blob = skip, key = owner): Uint8Array =>
  signDelta(packDelta(blob, 'x', { counter: 5, name: 'ada', slot: 2, ...options }), 'x', key);

/** Whether frame n is lost: some of them, the same ones each time. */
const lossy = (share: number, seed: number) => {
  let x = seed;
  return (): 'lost' | 'doubled' | 'arrives' => {
    x = (x * 48271) % 2147483647;
    const chance = x / 2147483647;
    if (chance < share) return 'lost';
    return chance < 1.5 * share ? 'doubled' : 'arrives';
  };
};

describe('a transfer', () => {
  it('installs a signed delta, which can be read back', async () => {
    const board = new FakeBoard({ adapter: skip });
    const progress: number[] = [];
    const applied = await applyDelta(delta({ coding: 'raw' }), 'x', board.link, {
      onProgress: (sent) => progress.push(sent),
    });
    expect(applied).toEqual({ device: DEVICE, slot: 2, counter: 5, resumedAt: 0 });
    expect(progress.slice(0, 3)).toEqual([0, 224, 448]);
    expect(progress.at(-1)).toBe(4049);
    expect(board.slots.get(2)).toMatchObject([{ state: 'fresh', name: 'ada', counter: 5 }]);
    expect(await readAdapter(2, 0, board.link)).toEqual(skip);
    const { slots, counter } = await readDevice(board.link);
    expect(counter).toBe(5);
    expect(slots).toMatchObject([
      { slot: 2, state: 'fresh', bytes: 3958, crc: blobCrc(skip), counter: 5, name: 'ada' },
    ]);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'survives a link that loses and doubles frames (%i)',
    async (n) => {
      const board = new FakeBoard({ adapter: skip, fate: lossy(0.3, n) });
      await applyDelta(delta(), 'x', board.link);
      expect(board.slots.get(2)).toMatchObject([{ state: 'fresh', blob: skip }]);
    },
  );

  it('goes on after a reset without sending again what was there', async () => {
    const resetAt = new Set([4, 9]);
    const board = new FakeBoard({ adapter: skip, resets: (command) => resetAt.has(command) });
    const bytes = delta({ coding: 'raw' });
    await applyDelta(bytes, 'x', board.link);
    expect(board.slots.get(2)).toHaveLength(1);
    // after each reset a piece that the board has not expected, and the page that was under way
    expect(board.pieceBytes).toBeLessThanOrEqual(bytes.length + 2 * (224 + 256));
  });

  it('goes on where another session stopped', async () => {
    let isCut = true;
    const board = new FakeBoard({
      adapter: skip,
      fate: (frame) => (isCut && frame > 20 ? 'lost' : 'arrives'),
    });
    await expect(applyDelta(delta(), 'x', board.link)).rejects.toThrow('has not answered');
    expect(board.slots.size).toBe(0);
    const had = board.installer.received;
    expect(had).toBeGreaterThan(1000);
    isCut = false;
    board.boot();
    // of the last page only some bits may have arrived
    expect((await applyDelta(delta(), 'x', board.link)).resumedAt).toBe(had - (had % 256));
    expect(board.slots.get(2)).toHaveLength(1);
  });

  it('begins anew with another file', async () => {
    let isCut = true;
    const board = new FakeBoard({
      adapter: skip,
      fate: (frame) => (isCut && frame > 20 ? 'lost' : 'arrives'),
    });
    await expect(applyDelta(delta(), 'x', board.link)).rejects.toThrow('has not answered');
    isCut = false;
    const other = delta({ counter: 6, name: 'bob' });
    expect((await applyDelta(other, 'x', board.link)).resumedAt).toBe(0);
    expect(board.slots.get(2)).toMatchObject([{ name: 'bob' }]);
  });

  it('knows that it was installed when the last answer is lost', async () => {
    let finished = false;
    let isInstalled = (): boolean => false;
    const board = new FakeBoard({
      adapter: skip,
      fate: () => {
        if (finished || !isInstalled()) return 'arrives';
        finished = true;
        return 'lost';
      },
    });
    isInstalled = () => board.slots.size === 1;
    expect((await applyDelta(delta(), 'x', board.link)).counter).toBe(5);
    expect(finished).toBe(true);
    expect(board.slots.get(2)).toHaveLength(1);
  });

  it('says what is missing when nobody answers', async () => {
    const board = new FakeBoard({ adapter: skip, fate: () => 'lost' });
    await expect(applyDelta(delta(), 'x', board.link)).rejects.toThrow(
      'no device with service delta',
    );
    await expect(
      applyDelta(delta(), 'x', new FakeBoard({ adapter: skip }).link, { device: 'f'.repeat(16) }),
    ).rejects.toThrow(`no device ${'f'.repeat(16)} with service delta within 10 s`);
  });

  it('is not begun with a file that is not signed or names no slot', async () => {
    const board = new FakeBoard({ adapter: skip });
    const bytes = delta();
    await expect(applyDelta(bytes.slice(0, -64), 'x', board.link)).rejects.toThrow('is not signed');
    await expect(applyDelta(delta({ slot: 255 }), 'x', board.link)).rejects.toThrow('--slot');
    expect(board.commands).toBe(0);
  });
});

describe('a refusal', () => {
  const stranger = privateKeyFrom('11'.repeat(32));

  /** A board that keeps an adapter in slot 2, from a delta with counter 4. */
  async function boardWithAdapter(): Promise<FakeBoard> {
    const board = new FakeBoard({ adapter: skip });
    await applyDelta(delta({ counter: 4, name: 'old' }, base), 'x', board.link);
    expect(board.installer.confirm(2)).toBe('ok');
    return board;
  }

  const cases: [string, () => Uint8Array, string, string][] = [
    ['another signature', () => delta({}, skip, stranger), 'badSignature', 'signed with the owner'],
    [
      'a changed byte',
      () => delta().map((b, i) => (i === 90 ? b ^ 1 : b)),
      'badSignature',
      'owner',
    ],
    ['an equal counter', () => delta({ counter: 4 }), 'oldCounter', '--counter'],
    ['an older counter', () => delta({ counter: 3 }), 'oldCounter', '--counter'],
    ['another kind', () => delta({}, readGolden('head.adapter')), 'wrongLayout', 'kind of adapter'],
    ['another device', () => delta({ device: 'f'.repeat(16) }), 'wrongDevice', 'another device'],
    ['another base', () => delta({ base: skip }), 'wrongBase', '--base'],
  ];
  it.each(cases)('of %s leaves the old adapter where it is', async (_, make, status, advice) => {
    const board = await boardWithAdapter();
    const before = structuredClone(board.slots);
    const refused = await applyDelta(make(), 'f.delta', board.link).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(RefusedError);
    expect(refused).toMatchObject({ status });
    expect(String(refused)).toContain('f.delta');
    expect(String(refused)).toContain(advice);
    expect(board.slots).toEqual(before);
    expect(board.installer.counter).toBe(4);
    expect(board.installer.received).toBe(0);
    // and the next good one is taken
    await applyDelta(delta({ counter: 9 }), 'x', board.link);
    expect(board.slots.get(2)).toMatchObject([{ counter: 9 }, { counter: 4 }]);
  });

  it("of another model, of a stranger's board and of a busy one", async () => {
    const board = new FakeBoard({ adapter: skip });
    const adapter = readBlob(skip);
    if (typeof adapter === 'string') throw new Error(adapter);
    const foreign = writeBlob({ ...adapter, modelHash: 1 });
    await expect(applyDelta(delta({}, foreign), 'x', board.link)).rejects.toMatchObject({
      status: 'wrongModel',
    });
    const unclaimed = new FakeBoard({ adapter: skip, owner: undefined });
    await expect(applyDelta(delta(), 'x', unclaimed.link)).rejects.toMatchObject({
      status: 'unclaimed',
    });
    board.isBusy = true;
    await expect(applyDelta(delta(), 'x', board.link)).rejects.toMatchObject({ status: 'busy' });
  });

  it('of a slot that it is not for, and of one that is empty', async () => {
    const board = new FakeBoard({ adapter: skip });
    await expect(applyDelta(delta(), 'x', board.link, { slot: 3 })).rejects.toMatchObject({
      status: 'badSlot',
    });
    await expect(readAdapter(6, 0, board.link)).rejects.toThrow('nothing is saved there');
  });
});
