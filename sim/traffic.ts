import type { ServiceSpec } from './compile.ts';
import { unpack, type Values } from './endpoint.ts';
import { FRAME, type LinkPacket, packetsOf, SERVICE_INDEX } from './link.ts';

type PacketInfo = ServiceSpec['packets'][number];

/** A report or an event of a service, with its fields. */
export interface Message {
  service: string;
  kind: 'report' | 'event';
  name: string;
  values: Values;
  /** With a report: the fields of the command that it answers. */
  command?: Values;
}

const EVENT = 0x8000;
const REGISTER = 0x1000;

/**
 * Reads along on a board's link: reports and events of its services by name. Knows the services of
 * `specs`; others are passed over.
 */
export class Traffic {
  /** Service classes by index, as the board announces them. */
  private classes: number[] = [];
  private lastEvent = -1;
  private readonly commands = new Map<string, Values>();

  constructor(
    private readonly specs: ServiceSpec[],
    private readonly onMessage: (message: Message) => void,
    /** Of the board; without it the first device that announces itself. */
    private deviceId?: string,
  ) {}

  /** The board begins again. */
  restart(): void {
    this.classes = [];
    this.lastEvent = -1;
  }

  onFrame(frame: Uint8Array): void {
    for (const packet of packetsOf(frame)) this.onPacket(packet);
  }

  private onPacket(packet: LinkPacket): void {
    const { serviceIndex, command, flags, deviceId } = packet;
    const isCommand = (flags & FRAME.command) !== 0;
    if (serviceIndex === SERVICE_INDEX.control && command === 0 && !isCommand) {
      this.onAnnounce(packet);
    }
    if (deviceId !== this.deviceId) return;
    const spec = this.specs.find((one) => one.classIdentifier === this.classes[serviceIndex]);
    if (spec === undefined) return;
    if (isCommand) this.onCommand(spec, packet);
    else if ((command & EVENT) !== 0) this.onEvent(spec, packet);
    else if (command < REGISTER) this.onReport(spec, packet);
  }

  private onAnnounce({ deviceId, payload }: LinkPacket): void {
    this.deviceId ??= deviceId;
    if (deviceId !== this.deviceId) return;
    const data = Buffer.from(payload);
    this.classes = [0];
    for (let at = 4; at + 4 <= data.length; at += 4) this.classes.push(data.readUInt32LE(at));
  }

  private onCommand(spec: ServiceSpec, { command, payload }: LinkPacket): void {
    const info = find(spec, 'command', command);
    if (info !== undefined) this.commands.set(`${spec.name} ${command}`, unpack(payload, info));
  }

  private onEvent(spec: ServiceSpec, { command, payload }: LinkPacket): void {
    const counter = (command >> 8) & 0x7f;
    if (counter === this.lastEvent || isBefore(counter, this.lastEvent)) return; // a repeat
    this.lastEvent = counter;
    const info = find(spec, 'event', command & 0xff);
    if (info !== undefined) this.tell(spec, 'event', info, payload);
  }

  private onReport(spec: ServiceSpec, { command, payload }: LinkPacket): void {
    const info = find(spec, 'report', command);
    if (info === undefined) return;
    this.tell(spec, 'report', info, payload, this.commands.get(`${spec.name} ${command}`));
  }

  private tell(
    spec: ServiceSpec,
    kind: Message['kind'],
    info: PacketInfo,
    payload: Uint8Array,
    command?: Values,
  ): void {
    const name = kind === 'report' ? commandName(spec, info) : info.name;
    this.onMessage({ service: spec.camelName, kind, name, values: unpack(payload, info), command });
  }
}

/** Repeats of an event may arrive after a later one. */
function isBefore(counter: number, last: number): boolean {
  return last >= 0 && ((last - counter) & 0x7f) < 32;
}

function find(spec: ServiceSpec, kind: string, code: number): PacketInfo | undefined {
  return spec.packets.find((info) => info.kind === kind && info.identifier === code);
}

/** A report goes by the name of its command. */
function commandName(spec: ServiceSpec, report: PacketInfo): string {
  return find(spec, 'command', report.identifier)?.name ?? report.name;
}
