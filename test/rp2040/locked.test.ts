/**
 * A locked board on the emulated chip, over USB: what a signature costs there, and that a deploy
 * whose power goes away in the middle of a flash operation leaves the program before running.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rawPublicKey } from '../../fleet/keys.ts';
import { parseTrust } from '../../fleet/owner.ts';
import { signProgram } from '../../fleet/program.ts';
import { compileProgram } from '../../sim/compile.ts';
import { escapeFrame, FRAME, frameOf, LinkReader, packetsOf } from '../../sim/link.ts';
import { Rp2040Chip } from '../../sim/rp2040/chip.ts';

const deviceId = '1d46a30eef48919f';
const key = generateKeyPairSync('ed25519').privateKey;
const stranger = generateKeyPairSync('ed25519').privateKey;
const trust = { owner: rawPublicKey(key), lock: true };
const DEPLOY = 1;
const PIPE = 0x3e;
const ACK = 0x3f;
const CHUNK = 224;
/** RP2040 stack: the RAM bank that link.ld gives it. */
const STACK_BYTES = 8192;

let folder: string;
let first: Uint8Array;
let second: Uint8Array;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retune-locked-'));
  const compile = async (word: string): Promise<Uint8Array> => {
    const file = join(folder, `${word}.ts`);
    writeFileSync(
      file,
      `import '@devicescript/core';\nsetInterval(async () => console.log('${word}'), 50);\n`,
    );
    return (await compileProgram(file)).image;
  };
  first = await compile('first');
  second = await compile('second');
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true }));

class PowerCut extends Error {}

/** A chip at the end of a cable, in its own time. */
class Board {
  readonly lines: string[] = [];
  /** The flash operation, counted from now, in the middle of which the power goes away. */
  untilCut = Infinity;
  private readonly reports = new Map<string, Uint8Array>();
  private readonly reader = new LinkReader({
    onFrame: (frame) => {
      for (const { serviceIndex, command, payload } of packetsOf(frame)) {
        this.reports.set(`${serviceIndex} ${command}`, payload);
      }
    },
    onText: () => undefined,
  });

  private constructor(readonly chip: Rp2040Chip) {
    this.watch();
  }

  static async start(): Promise<Board> {
    const board = new Board(await Rp2040Chip.create({ deviceId, seed: 1, trust }));
    board.run(300);
    return board;
  }

  private watch(): void {
    const { machine } = this.chip;
    machine.flash.onOperation = () => {
      if (--this.untilCut === 0) machine.cpu.interrupt();
    };
    machine.usb.onConfigured = () => machine.usb.setOpen(true);
  }

  run(milliseconds: number, isDone = (): boolean => false): void {
    const end = this.chip.now + milliseconds;
    // not in steps below its nanosecond: there its time stands still
    while (end - this.chip.now > 0.001 && !isDone()) {
      this.chip.advance(Math.min(end, this.chip.now + 1));
      this.reader.feed(this.chip.take());
      this.lines.push(...this.chip.takeConsole());
      if (this.untilCut <= 0) this.cut();
    }
  }

  reset(): void {
    this.untilCut = Infinity;
    this.chip.machine.reset('power');
    this.watch();
  }

  private cut(): void {
    this.reset();
    throw new PowerCut();
  }

  /** Sends a command until its answer comes. */
  ask(serviceIndex: number, command: number, payload: Uint8Array = new Uint8Array(0)): Uint8Array {
    const name = `${serviceIndex} ${command}`;
    this.reports.delete(name);
    const packet = { deviceId, flags: FRAME.command, serviceIndex, command, payload };
    this.chip.receive(escapeFrame(frameOf(packet)));
    this.run(3000, () => this.reports.has(name));
    const answer = this.reports.get(name);
    if (answer === undefined) throw new Error(`no answer to ${name}`);
    return answer;
  }

  private sendAcknowledged(command: number, payload: Uint8Array): void {
    const flags = FRAME.command | FRAME.ackWanted;
    const frame = frameOf({ deviceId, flags, serviceIndex: PIPE, command, payload });
    const crc = (frame[0] ?? 0) | ((frame[1] ?? 0) << 8);
    this.chip.receive(escapeFrame(frame));
    this.run(3000, () => this.reports.has(`${ACK} ${crc}`));
    if (!this.reports.delete(`${ACK} ${crc}`)) throw new Error('not acknowledged');
  }

  /** rt_trust_answer_t of the statement. */
  state = (statement: Uint8Array): number => this.ask(DEPLOY, 0x90, statement)[0] ?? -1;

  deploy(image: Uint8Array, counter: number): void {
    expect(this.state(signProgram(image, key, { counter }))).toBe(0);
    const size = new Uint8Array(Uint32Array.of(image.length).buffer);
    const [low = 0, high = 0] = this.ask(DEPLOY, 0x80, size);
    const port = low | (high << 8);
    expect(port).not.toBe(0);
    let counterOfPipe = 0;
    for (let at = 0; at < image.length; at += CHUNK) {
      const command = (port << 7) | (counterOfPipe++ & 31);
      this.sendAcknowledged(command, image.subarray(at, at + CHUNK));
    }
    this.sendAcknowledged((port << 7) | 0x20 | (counterOfPipe & 31), new Uint8Array(0));
  }

  /** What the program says from now on. */
  said(): Set<string> {
    this.lines.length = 0;
    this.run(1500);
    return new Set(this.lines.filter((line) => line.startsWith('> ')));
  }
}

test('a locked board on the chip', { timeout: 600_000 }, async () => {
  const board = await Board.start();
  expect(parseTrust(board.ask(DEPLOY, 0x1190))).toMatchObject({
    state: 'built in',
    isLocked: true,
  });
  const size = new Uint8Array(Uint32Array.of(first.length).buffer);
  expect([...board.ask(DEPLOY, 0x80, size)]).toEqual([0, 0]);
  expect(board.lines.join('\n')).toContain('this board is locked');

  // a check takes a fifth of a second, and the stack has room for it
  const before = board.chip.now;
  board.chip.machine.cpu.lowestStack = 0xffffffff;
  expect(board.state(signProgram(first, stranger, { counter: 5 }))).toBe(8);
  const took = board.chip.now - before;
  expect(took).toBeGreaterThan(150);
  expect(took).toBeLessThan(300);
  const { registers } = board.chip.machine.chip.core;
  const depth = (registers[13] ?? 0) - board.chip.machine.cpu.lowestStack;
  expect(depth).toBeLessThan(STACK_BYTES - 2048);

  // after a false signature the next statement has to wait for a second
  expect(board.state(signProgram(first, key, { counter: 10 }))).toBe(17);
  expect(board.said()).toEqual(new Set());
  board.deploy(first, 10);
  expect(board.said()).toEqual(new Set(['> first']));

  // the erase, a page of the program, the header: torn each time
  for (const nth of [1, 2, 3, 4]) {
    board.untilCut = nth;
    expect(() => board.deploy(second, 10 + nth)).toThrow(PowerCut);
    expect([nth, board.said()]).toEqual([nth, new Set(['> first'])]);
    expect(parseTrust(board.ask(DEPLOY, 0x1190)).counter).toBe(10);
  }
  board.deploy(second, 20);
  expect(board.said()).toEqual(new Set(['> second']));
  board.reset();
  expect(board.said()).toEqual(new Set(['> second']));
  expect(board.state(signProgram(first, key, { counter: 10 }))).toBe(9);
});
