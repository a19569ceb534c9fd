import { expect, test } from 'vitest';
import { Rp2040Chip } from '../../sim/rp2040/chip.ts';
import { compileSource } from '../vm/compiler.ts';
import { ACK_WANTED, COMMAND, type Packet } from './node.ts';
import { escape, frameOf, packetsOf } from './wire.ts';

const DEPLOY = 1;
const PIPE = 0x3e;
const ACK = 0x3f;
const CHUNK = 224;
const DEVICE = '1d46a30eef48919f';
const NONE: Uint8Array = new Uint8Array(0);

/** The emulated chip and the computer at its USB. */
class Board {
  readonly console: string[] = [];
  private readonly packets: Packet[] = [];
  private rest: number[] = [];

  constructor(readonly chip: Rp2040Chip) {}

  run(ms: number): void {
    const end = this.chip.now + ms;
    while (this.chip.now < end && this.chip.stop === undefined) {
      this.chip.advance(end);
      this.console.push(...(this.chip.takeConsole?.() ?? []));
      this.rest.push(...this.chip.take());
      const whole = this.rest.lastIndexOf(0xfd) + 1;
      if (this.rest[whole - 2] !== 0xfe) continue;
      this.packets.push(...packetsOf(Uint8Array.from(this.rest.splice(0, whole))));
    }
  }

  /** The first packet that `is` what was waited for. */
  find(is: (packet: Packet) => boolean, ms: number): Packet {
    for (let waited = 0; waited < ms; waited += 5) {
      const found = this.packets.find(is);
      if (found !== undefined) return found;
      this.run(5);
    }
    throw new Error('the board did not answer');
  }

  ask(device: bigint, index: number, command: number, payload = NONE): Packet {
    this.packets.length = 0;
    const flags = COMMAND | (index === PIPE ? ACK_WANTED : 0);
    this.chip.receive(Uint8Array.from(escape(frameOf({ device, command, flags, index, payload }))));
    const expected = index === PIPE ? ACK : index;
    return this.find((packet) => packet.index === expected, 2000);
  }
}

test('a board takes a program over USB into its flash, runs it, and still has it after a reset', async () => {
  const { image } = compileSource("console.log('from flash')\nsetInterval(async () => {}, 500)\n", {
    restart: false,
  });
  const board = new Board(await Rp2040Chip.create({ deviceId: DEVICE, seed: 1 }));
  const { device } = board.find(({ index, command }) => index === 0 && command === 0, 2000);
  const { payload } = board.ask(
    device,
    DEPLOY,
    0x80,
    new Uint8Array(Uint32Array.of(image.length).buffer),
  );
  const port = (payload[0] as number) | ((payload[1] as number) << 8);
  let counter = 0;
  for (let at = 0; at < image.length; at += CHUNK) {
    board.ask(device, PIPE, (port << 7) | (counter++ & 31), image.subarray(at, at + CHUNK));
  }
  expect(board.console).toEqual([]);
  board.ask(device, PIPE, (port << 7) | 0x20 | (counter & 31));
  board.run(300);
  expect(board.console).toEqual(['> from flash']);
  const flash = board.chip.flash.slice();
  const again = new Board(await Rp2040Chip.create({ deviceId: DEVICE, seed: 2, flash }));
  again.run(300);
  expect(again.console).toEqual(['> from flash']);
}, 300_000);
