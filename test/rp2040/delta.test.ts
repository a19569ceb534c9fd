/** Deltas over the emulated chip's USB and UART: its firmware, its flash, real resets in the middle. */
import { expect, it } from 'vitest';
import { type BoardLink, linkToChip, type OpenBoardLink, TINY_MS } from '../../fleet/board-link.ts';
import { packDelta, signDelta } from '../../fleet/delta.ts';
import { OwnedBoard } from '../../fleet/owner.ts';
import { applyDelta, readAdapter, readDevice } from '../../fleet/transfer.ts';
import { BOARD_DEVICE } from '../../sim/firmware-board.ts';
import { escapeFrame, LinkReader } from '../../sim/link.ts';
import { DEFAULT_MODEL } from '../../sim/model-engine.ts';
import { Rp2040Chip } from '../../sim/rp2040/chip.ts';
import { owner, readGolden } from '../fleet/golden.ts';

/** Seconds of this computer, which may have other work. */
const LONG = 600_000;

const seed = { deviceId: BOARD_DEVICE, seed: 1, model: DEFAULT_MODEL, takesDeltas: true };
let flash: Uint8Array | undefined;

/** The board is switched on for each connection; after `frames` to it the power goes. */
function powerOn(frames = Infinity): OpenBoardLink {
  return async (onFrame) => {
    let sent = 0;
    const link: BoardLink & { flash: () => Uint8Array } = await linkToChip(
      (content, cause) => Rp2040Chip.create({ ...seed, flash: content, cause }),
      { onFrame, content: flash },
    );
    return {
      ...link,
      send: (frame) => {
        if (sent++ < frames) link.send(frame);
        else throw new Error('the power is gone');
      },
      close: () => void (flash = link.flash()),
    };
  };
}

it(
  'takes a delta after two power cuts on the way, tries it, and takes it back unconfirmed',
  async () => {
    const skip = readGolden('skip.adapter');
    const packed = packDelta(skip, 'x', { counter: 5, name: 'ada', slot: 1, coding: 'raw' });
    const bytes = signDelta(packed, 'x', owner);

    await expect(applyDelta(bytes, 'x', powerOn())).rejects.toMatchObject({ status: 'unclaimed' });
    const board = await OwnedBoard.connect(powerOn(), { timeout: 10 });
    await board.tell('claim', owner);
    board.close();

    await expect(applyDelta(bytes, 'x', powerOn(7))).rejects.toThrow('the power is gone');
    await expect(applyDelta(bytes, 'x', powerOn(9))).rejects.toThrow('the power is gone');
    const applied = await applyDelta(bytes, 'x', powerOn());
    expect(applied.resumedAt).toBeGreaterThan(2 * 1024);
    // to the page: what had arrived of the next one was in RAM
    expect(applied.resumedAt % 256).toBe(0);

    const trial = await readDevice(powerOn());
    expect(trial.slots).toMatchObject([{ slot: 1, state: 'trial', name: 'ada', counter: 5 }]);
    const after = await readDevice(powerOn());
    expect(after.slots).toEqual([]);
    expect(after.counter).toBe(5);
    await expect(applyDelta(bytes, 'x', powerOn())).rejects.toMatchObject({ status: 'oldCounter' });
    await expect(readAdapter(1, 0, powerOn())).rejects.toThrow('nothing is saved there');
  },
  LONG,
);

/** The board's UART at 115,200 bits a second: so many bytes a millisecond, either way. */
const UART_BYTES_PER_MS = 11;

/** A board at the end of a serial line. */
function uartLink(chip: Rp2040Chip): OpenBoardLink {
  return (onFrame) => {
    let frames = 0;
    const reader = new LinkReader({
      onFrame: (frame) => {
        frames++;
        onFrame(frame);
      },
      onText: () => undefined,
    });
    const waiting: number[] = [];
    chip.machine.onUart = (byte) => reader.feed(Uint8Array.of(byte));
    return Promise.resolve({
      now: () => chip.now,
      send: (frame) => void waiting.push(...escapeFrame(frame)),
      wait: async (ms) => {
        const end = chip.now + ms;
        for (const before = frames; end - chip.now > TINY_MS && frames === before;) {
          chip.machine.sendUart(waiting.splice(0, UART_BYTES_PER_MS));
          chip.advance(Math.min(chip.now + 1, end));
          chip.take();
          chip.takeConsole();
        }
      },
      close: () => (chip.machine.onUart = undefined),
    });
  };
}

it(
  'takes one over the UART, as the difference to the adapter that is there',
  async () => {
    const [skip, base] = [readGolden('skip.adapter'), readGolden('base.adapter')];
    const chip = await Rp2040Chip.create(seed);
    const link = uartLink(chip);
    const board = await OwnedBoard.connect(link, { timeout: 10 });
    await board.tell('claim', owner);
    board.close();
    for (const [blob, counter, from] of [
      [base, 1, undefined],
      [skip, 2, base],
    ] as const) {
      const bytes = signDelta(packDelta(blob, 'x', { counter, slot: 3, base: from }), 'x', owner);
      await applyDelta(bytes, 'x', link);
      expect(await readAdapter(3, 0, link)).toEqual(blob);
    }
  },
  LONG,
);
