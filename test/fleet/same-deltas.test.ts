/** The service in C and its twin beside the official VM answer the same to the same commands. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ServiceClient } from '../../fleet/client.ts';
import { packDelta, type PackOptions, signDelta } from '../../fleet/delta.ts';
import { OwnedBoard } from '../../fleet/owner.ts';
import { DELTA_SERVICE } from '../../fleet/transfer.ts';
import type { Flash } from '../../sim/machine.ts';
import type { Target } from '../../sim/targets.ts';
import type { World } from '../../sim/world.ts';
import { Random } from '../support/random.ts';
import { owner, privateKeyFrom, readGolden, RFC_PUBLIC } from './golden.ts';
import { linkTo, startBoard } from './world.ts';

const COMMAND = { begin: 0x80, data: 0x81, finish: 0x82, confirm: 0x83, revert: 0x84 } as const;
const DESCRIBE = 0x85;
const READ = 0x86;
const REGISTERS = [0x180, 0x182, 0x183, 0x184, 0x185, 0x186];
const STEPS = 130;
const LONG = 300_000;

/** One of the two boards. */
class Board {
  readonly flash: Flash = { slots: new Map() };
  private world!: World;
  private client!: ServiceClient;

  constructor(private readonly target: Target) {
    const key = Buffer.from(RFC_PUBLIC, 'hex');
    if (target === 'official') this.flash.delta = { counter: 0, owner: key };
  }

  async powerOn(): Promise<void> {
    this.world = await startBoard(this.target, this.flash);
    const options = { timeout: 10 };
    this.client = await ServiceClient.connect(linkTo(this.world), DELTA_SERVICE, options);
  }

  async claim(): Promise<void> {
    const board = await OwnedBoard.connect(linkTo(this.world), { timeout: 10 });
    await board.tell('claim', owner);
    board.close();
    this.powerOff();
    await this.powerOn();
  }

  powerOff(): void {
    this.client.close();
    this.world.powerOff();
  }

  async call(command: number, payload: Uint8Array): Promise<string> {
    const options = { againMs: 3000, attempts: 1 };
    return (await this.client.call(command, payload, options)).toString('hex');
  }

  async registers(): Promise<string[]> {
    const values: string[] = [];
    for (const code of REGISTERS)
      values.push((await this.client.readRegister(code)).toString('hex'));
    return values;
  }
}

let boards: Board[];
beforeAll(async () => {
  boards = [new Board('official'), new Board('wasm')];
  for (const board of boards) await board.powerOn();
  await boards[1]?.claim();
}, LONG);
afterAll(() => boards.forEach((board) => board.powerOff()));

const skip = readGolden('skip.adapter');
const base = readGolden('base.adapter');
const stranger = privateKeyFrom('44'.repeat(32));

/** Files that are good, or good at some moment, and some that never are. */
function makeFile(random: Random, newest: number): Uint8Array {
  const options: PackOptions = {
    counter: newest + random.below(4),
    slot: [0, 1, 255][random.below(3)],
  };
  if (random.oneIn(2)) options.name = ['ada', 'Zoë'][random.below(2)];
  const [blob, other] = random.oneIn(2) ? [skip, base] : [base, skip];
  if (random.oneIn(3)) options.base = other;
  const file = signDelta(packDelta(blob, 'x', options), 'x', random.oneIn(8) ? stranger : owner);
  if (random.oneIn(8)) file[random.below(file.length)] = 0;
  return random.oneIn(10) ? file.slice(0, -random.below(100) - 1) : file;
}

const u32 = (value: number): number[] => [...new Uint8Array(Uint32Array.of(value).buffer)];

it(
  'over random files, offsets, decisions and power cycles',
  async () => {
    const random = new Random(11);
    const seen = new Map<string, number>();
    const note = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);

    async function same(command: number, payload: number[]): Promise<Buffer> {
      const answers: string[] = [];
      for (const board of boards) answers.push(await board.call(command, Uint8Array.from(payload)));
      expect([command, answers[1]]).toEqual([command, answers[0]]);
      return Buffer.from(answers[0] ?? '', 'hex');
    }

    /** Sends a file, perhaps not all of it, and perhaps with a power cut on the way. */
    async function transfer(file: Uint8Array): Promise<void> {
      const sha256 = createHash('sha256').update(file).digest();
      if (random.oneIn(9)) sha256[3] = (sha256[3] ?? 0) ^ 1;
      const announcement = [...u32(file.length), ...sha256];
      const begun = await same(COMMAND.begin, announcement);
      let offset = begun.readUInt32LE(0);
      const cutAt = random.oneIn(6) ? random.below(file.length) : Infinity;
      let wasCut = false;
      while (offset < file.length) {
        if (offset >= cutAt && !wasCut) {
          wasCut = true;
          await restart();
          await same(COMMAND.data, [...u32(offset), 1]); // not begun
          offset = (await same(COMMAND.begin, announcement)).readUInt32LE(0);
        }
        if (random.oneIn(12)) await same(COMMAND.data, [...u32(random.below(9000)), 1, 2]);
        if (random.oneIn(40)) return;
        const piece = file.subarray(offset, offset + 224);
        offset = (await same(COMMAND.data, [...u32(offset), ...piece])).readUInt32LE(0);
      }
    }

    async function restart(): Promise<void> {
      for (const board of boards) {
        board.powerOff();
        await board.powerOn();
      }
    }

    let newest = 0;
    for (let step = 0; step < STEPS; step++) {
      const slot = [0, 1, 0, 1, 0, 1, 9][random.below(7)] ?? 0;
      const action = random.below(12);
      if (action < 4) {
        await transfer(makeFile(random, Math.max(1, newest)));
        const report = await same(COMMAND.finish, [random.oneIn(2) ? 255 : slot]);
        newest = report.readUInt32LE(0);
        note(`finish ${report.readUInt16LE(4)}`);
      } else if (action < 6)
        note(`confirm ${(await same(COMMAND.confirm, [slot])).readUInt16LE(0)}`);
      else if (action < 8) note(`revert ${(await same(COMMAND.revert, [slot])).readUInt16LE(0)}`);
      else if (action < 10) {
        const offset = random.below(4100);
        await same(READ, [...u32(offset), slot, random.below(2)]);
      } else if (action < 11) await restart();
      else await same(COMMAND.finish, [slot]);
      for (const back of [0, 1]) {
        for (const one of [0, 1]) await same(DESCRIBE, [one, back]);
      }
      const [twin, native] = [await boards[0]?.registers(), await boards[1]?.registers()];
      expect(native).toEqual(twin);
    }
    // what the run has come through; a test that refuses everything would agree as well
    for (const what of ['finish 0', 'finish 9', 'finish 13', 'confirm 0', 'revert 0']) {
      expect([what, (seen.get(what) ?? 0) > 0]).toEqual([what, true]);
    }
  },
  LONG,
);
