/**
 * The service of services/delta.md in whole firmwares, reached as a desktop reaches a board: over
 * frames of its serial link. test/rp2040/delta.test.ts does it with the RP2040's machine code.
 */
import { describe, expect, it } from 'vitest';
import { readBlob, writeBlob } from '../../fleet/blob.ts';
import { linkToChip, type OpenBoardLink } from '../../fleet/board-link.ts';
import { packDelta, type PackOptions, signDelta } from '../../fleet/delta.ts';
import { applyDelta, readAdapter, readDevice, RefusedError } from '../../fleet/transfer.ts';
import type { Chip } from '../../sim/chip.ts';
import type { Firmware } from '../../sim/firmware.ts';
import { placeLearner } from '../../sim/learner-setup.ts';
import { DEFAULT_MODEL } from '../../sim/model-engine.ts';
import { WasmChip } from '../../sim/wasm-chip.ts';
import { owner, privateKeyFrom, readGolden, RFC_PUBLIC } from '../fleet/golden.ts';

const key = Uint8Array.from(Buffer.from(RFC_PUBLIC, 'hex'));
const stranger = privateKeyFrom('11'.repeat(32));
const skip = readGolden('skip.adapter');
const base = readGolden('base.adapter');
const DEVICE = '1122334455667788';
const seed = { deviceId: DEVICE, seed: 1 };

type Start = (flash?: Uint8Array) => Promise<Chip>;

function onWasm(owned: boolean): Start {
  const model = placeLearner(DEFAULT_MODEL);
  const prepare = (firmware: Firmware): void => {
    model(firmware);
    if (!owned) return;
    const at = firmware.allocate(key.length);
    firmware.u8(at, key.length).set(key);
    firmware.call('rt_sim_set_owner', at, 0);
  };
  return (flash) => Promise.resolve(new WasmChip({ ...seed, prepare, flash }));
}

/** A board that keeps its flash from one link to the next: each time it starts again. */
class FleetBoard {
  flash?: Uint8Array;
  /** Frames from the desktop that still arrive. */
  frames = Infinity;

  constructor(private readonly start: Start) {}

  readonly link: OpenBoardLink = async (onFrame) => {
    const link = await linkToChip(this.start, { onFrame, content: this.flash });
    return {
      ...link,
      send: (frame) => {
        if (this.frames-- > 0) link.send(frame);
      },
      close: () => {
        this.flash = link.flash();
      },
    };
  };

  async apply(options: Partial<PackOptions>, blob = skip, by = owner): Promise<unknown> {
    const packed = packDelta(blob, 'x', { counter: 1, name: 'ada', slot: 2, ...options });
    return applyDelta(signDelta(packed, 'x', by), 'x', this.link);
  }
}

/** A slot as the device describes it, without the blob's size and checksum. */
async function slotOf(board: FleetBoard, slot: number): Promise<unknown> {
  const { slots } = await readDevice(board.link);
  const found = slots.find((one) => one.slot === slot);
  return found && [found.state, found.name, found.counter];
}

describe('a whole firmware', () => {
  it('a delta is installed, put on trial, and taken back when nobody confirms', async () => {
    const board = new FleetBoard(onWasm(true));
    expect(await board.apply({ coding: 'raw' })).toMatchObject({ slot: 2, counter: 1 });
    // each link begins with a start of the board
    expect(await slotOf(board, 2)).toEqual(['trial', 'ada', 1]);
    expect((await readDevice(board.link)).counter).toBe(1);
    expect(await slotOf(board, 2)).toBeUndefined();
  });

  it.each([
    ['raw', skip],
    ['entropy', base],
  ] as const)('what was installed is what was sent: %s', async (coding, blob) => {
    const board = new FleetBoard(onWasm(true));
    await board.apply({ counter: 1, coding }, blob);
    expect(await readAdapter(2, 0, board.link)).toEqual(blob);
  });

  it('a transfer that broke off goes on after a reset', async () => {
    const board = new FleetBoard(onWasm(true));
    board.frames = 12;
    await expect(board.apply({ coding: 'raw' })).rejects.toThrow('has not answered');
    board.frames = Infinity;
    const { resumedAt } = (await board.apply({ coding: 'raw' })) as { resumedAt: number };
    expect(resumedAt).toBeGreaterThan(1000);
    expect(await slotOf(board, 2)).toEqual(['trial', 'ada', 1]);
  });

  const other = (change: object): Uint8Array => {
    const adapter = readBlob(skip);
    if (typeof adapter === 'string') throw new Error(adapter);
    return writeBlob({ ...adapter, ...change });
  };
  const refused: [string, Partial<PackOptions>, string, Uint8Array?, typeof owner?][] = [
    ['signed by a stranger', {}, 'badSignature', skip, stranger],
    ['for another model', {}, 'wrongModel', other({ modelHash: 1 })],
    ['for another layout', {}, 'wrongLayout', other({ layoutHash: 1 })],
    ['for another device', { device: '1122334455667789' }, 'wrongDevice'],
    ['to a base that is not there', { base }, 'wrongBase'],
  ];

  it.each(refused)('a delta %s is refused over the link, and told why', async (...args) => {
    const [, options, status, blob, by] = args;
    const board = new FleetBoard(onWasm(true));
    await board.apply({ counter: 3, name: 'old' });
    await expect(board.apply({ counter: 4, ...options }, blob, by)).rejects.toMatchObject({
      name: RefusedError.name,
      status,
    });
    expect((await readDevice(board.link)).counter).toBe(3);
  });

  it('an older counter is refused, for this device it is taken', async () => {
    const board = new FleetBoard(onWasm(true));
    await board.apply({ counter: 3, device: DEVICE });
    await expect(board.apply({ counter: 2 })).rejects.toMatchObject({ status: 'oldCounter' });
  });

  it('without an owner everything is refused', async () => {
    const board = new FleetBoard(onWasm(false));
    await expect(board.apply({})).rejects.toMatchObject({ status: 'unclaimed' });
    expect(await slotOf(board, 2)).toBeUndefined();
  });
});
