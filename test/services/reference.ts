/**
 * The same services in TypeScript (sim/capture.ts, sim/learner.ts), spoken to with packets as
 * ServicesBench is: what the C modules are compared with.
 */
import { SimulatedBoard } from '../../sim/board.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { compileServices } from '../../sim/compile.ts';
import type { Microphone } from '../../sim/microphone.ts';
import { engineFactory } from '../../sim/model-engine.ts';
import { Battery, loadBoard } from '../../sim/processor.ts';
import { EVENT, type Device, GET, kindOf, type Sent, SET } from './device.ts';

const BOARD_DEVICE = Buffer.from('2e57b41ff059a2a0', 'hex');
const COMMAND_FLAG = 1;
/** Bytes of a frame before its packets. */
const FRAME_HEADER = 12;
/** Bytes of a packet before its data. */
const PACKET_HEADER = 4;

export class Reference implements Device {
  private readonly clock = new VirtualClock();
  private board!: SimulatedBoard;
  private sent: Sent[] = [];
  private readonly counters = new Map<string, number>();

  static async create(model: string, microphone: Microphone): Promise<Reference> {
    const reference = new Reference();
    await reference.start(model, microphone);
    return reference;
  }

  private async start(model: string, microphone: Microphone): Promise<void> {
    const { clock } = this;
    this.board = await SimulatedBoard.create({
      board: loadBoard(),
      clock,
      microphone,
      services: await compileServices(),
      flash: { slots: new Map() },
      battery: new Battery(loadBoard(), 1),
      createEngine: engineFactory(model),
      randomBytes: (count) => new Uint8Array(count),
      onFrame: (frame) => this.note(Buffer.from(frame)),
      events: {
        onLog: () => undefined,
        onPanic: () => undefined,
        onPrediction: () => undefined,
        onTraffic: () => undefined,
        onBrightness: () => undefined,
      },
    });
    this.board.machine.bus.start();
    await this.run(1000); // until everybody on the bus knows everybody
  }

  get now(): number {
    return this.clock.now * 1000;
  }

  async run(until: number, isDone: (sent: Sent) => boolean = () => false): Promise<void> {
    let seen = this.sent.length;
    while (this.now < until) {
      await this.board.step(until / 1000);
      for (; seen < this.sent.length; seen++) {
        if (isDone(this.sent[seen] as Sent)) return;
      }
    }
  }

  async until(isWanted: (sent: Sent) => boolean, limit = 60_000_000): Promise<Sent> {
    const found = (): Sent | undefined => this.sent.find(isWanted);
    if (found() === undefined) await this.run(this.now + limit, isWanted);
    const sent = found();
    if (sent === undefined) throw new Error(`not sent within ${limit} microseconds`);
    return sent;
  }

  take(): Sent[] {
    return this.sent.splice(0);
  }

  async command(service: number, code: number, payload = Buffer.alloc(0)): Promise<Buffer> {
    this.take();
    this.send(service, code, payload);
    const report = await this.until(
      (s) => s.kind === 'report' && s.service === service && s.code === code,
    );
    return report.payload;
  }

  async read(service: number, code: number): Promise<Buffer> {
    this.take();
    this.send(service, GET | code, Buffer.alloc(0));
    const answer = await this.until(
      (s) => s.kind === 'register' && s.service === service && s.code === code,
      100_000,
    );
    return answer.payload;
  }

  async write(service: number, code: number, payload: Uint8Array): Promise<void> {
    this.send(service, SET | code, payload);
    await this.run(this.now + 1000);
  }

  private send(service: number, command: number, payload: Uint8Array): void {
    const size = PACKET_HEADER + ((payload.length + 3) & ~3);
    const frame = Buffer.alloc(FRAME_HEADER + size);
    frame.writeUInt8(size, 2);
    frame.writeUInt8(COMMAND_FLAG, 3);
    BOARD_DEVICE.copy(frame, 4);
    frame.writeUInt8(payload.length, 12);
    frame.writeUInt8(service, 13);
    frame.writeUInt16LE(command, 14);
    frame.set(payload, FRAME_HEADER + PACKET_HEADER);
    frame.writeUInt16LE(checksum(frame.subarray(2)), 0);
    this.board.receive(frame);
  }

  /** Takes the board's packets out of a frame; what an event repeats is left out. */
  private note(frame: Buffer): void {
    if (!frame.subarray(4, 12).equals(BOARD_DEVICE) || ((frame[3] ?? 0) & COMMAND_FLAG) !== 0) {
      return;
    }
    const end = FRAME_HEADER + frame.readUInt8(2);
    for (let at = FRAME_HEADER; at < end;) {
      const size = frame.readUInt8(at);
      const service = frame.readUInt8(at + 1);
      const command = frame.readUInt16LE(at + 2);
      const payload = frame.subarray(at + PACKET_HEADER, at + PACKET_HEADER + size);
      if (service > 0 && service < 0x3d && !this.isRepeated(service, command)) {
        this.sent.push({ at: this.now, service, ...kindOf(command), payload });
      }
      at += PACKET_HEADER + ((size + 3) & ~3);
    }
  }

  private isRepeated(service: number, command: number): boolean {
    if ((command & EVENT) === 0) return false;
    const key = 'events'; // one counter a device
    const counter = (command >> 8) & 0x7f;
    const known = this.counters.get(key);
    const isOld = known !== undefined && ((counter - known) & 0x7f) > 0x40;
    if (known === counter || isOld) return true;
    this.counters.set(key, counter);
    return false;
  }
}

/** CRC-16-CCITT as Jacdac's frames have it. */
function checksum(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    let x = (crc >> 8) ^ byte;
    x ^= x >> 4;
    crc = ((crc << 8) ^ (x << 12) ^ (x << 5) ^ x) & 0xffff;
  }
  return crc;
}
