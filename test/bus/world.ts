import { WasmChip } from '../../sim/wasm-chip.ts';
import { compileSource } from '../vm/compiler.ts';
import type { Packet } from './node.ts';
import { escape, frameOf, packetsOf } from './wire.ts';

/** A chip of the simulator with a script, and the computer's end of its link. */
export class World {
  readonly console: string[] = [];
  readonly packets: Packet[] = [];
  /** Called with each packet that comes out of the link. */
  onPacket: (packet: Packet) => void = () => undefined;
  private readonly chip: WasmChip;
  private rest: number[] = [];

  constructor(source: string) {
    const program = compileSource(`import * as ds from '@devicescript/core'\n${source}`, {
      restart: false,
    }).image;
    const deviceId = '1d46a30eef48919f';
    this.chip = new WasmChip({ deviceId, seed: 1, program, staysStopped: true });
  }

  get now(): number {
    return this.chip.now;
  }

  get state(): string {
    return this.chip.program.state;
  }

  /** Lets virtual time pass until `ms`; answers of `onPacket` arrive in time. */
  run(ms: number): void {
    while (this.chip.now < ms && this.chip.stop === undefined) {
      this.chip.advance(ms);
      this.drain();
    }
  }

  send(packet: Packet): void {
    this.chip.receive(Uint8Array.from(escape(frameOf(packet))));
  }

  private drain(): void {
    this.console.push(...this.chip.takeConsole());
    this.rest.push(...this.chip.take());
    const end = this.rest.lastIndexOf(0xfd) + 1;
    if (this.rest[end - 2] !== 0xfe) return;
    const packets = packetsOf(Uint8Array.from(this.rest.splice(0, end)));
    this.packets.push(...packets);
    for (const packet of packets) this.onPacket(packet);
  }
}

const COMMAND = 1;
const BUTTON = 0x1473a263;

/** A button on another device of the bus; its only register is the pressure. */
export class RemoteButton {
  reads = 0;
  pressure = 0xffff;
  /** Answers from the nth read on. */
  answersFrom = 1;
  private restarts = 1;
  private events = 0;

  constructor(
    private readonly world: World,
    readonly id: bigint,
    private readonly service = BUTTON,
  ) {
    const before = world.onPacket;
    world.onPacket = (packet) => {
      before(packet);
      const isRead = packet.command === 0x1101 && (packet.flags & COMMAND) !== 0;
      if (packet.device !== this.id || !isRead) return;
      if (++this.reads >= this.answersFrom) this.report(0x1101, Uint16Array.of(this.pressure));
    };
  }

  announce(): void {
    const words = Uint32Array.of(0x100 | this.restarts, this.service);
    if (this.restarts < 15) this.restarts++;
    this.send(0, 0, new Uint8Array(words.buffer));
  }

  /** An event with its two repeats. */
  event(code: number, value: number): void {
    const command = 0x8000 | (this.events << 8) | code;
    this.events = (this.events + 1) & 127;
    for (let i = 0; i < 3; i++) this.send(1, command, new Uint8Array(Uint32Array.of(value).buffer));
  }

  private report(command: number, value: Uint16Array): void {
    this.send(1, command, new Uint8Array(value.buffer));
  }

  private send(index: number, command: number, payload: Uint8Array): void {
    this.world.send({ device: this.id, command, flags: 0, index, payload });
  }
}

/** Announces devices every 500 ms until `ms`. */
export function runWith(world: World, ms: number, devices: RemoteButton[]): void {
  while (world.now < ms) {
    for (const device of devices) device.announce();
    world.run(Math.min(ms, world.now + 500));
  }
}
