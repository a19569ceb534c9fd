import {
  JDServiceServer,
  Packet,
  type PackedValues,
  SensorServer,
  jdpack,
  jdunpack,
} from './jacdac.ts';
import type { ServiceSpec } from './compile.ts';

/** A value of a field on the wire. */
export type Value = string | number | boolean | Uint8Array;
export type Values = Value[];

/** Serves a command: returns the report, or undefined and calls `reply` with it later. */
export type CommandHandler = (
  values: Values,
  reply: (report: Values) => void,
) => Values | undefined;

const REGISTER_PRE_GET = 'registerPreGet';
const REPORT_RECEIVE = 'reportReceive';

type PacketInfo = ServiceSpec['packets'][number];

class PlainServer extends JDServiceServer {
  handle(code: number, handler: (packet: Packet) => void): void {
    this.addCommand(code, handler);
  }
}

class ReadingServer extends SensorServer<PackedValues> {
  handle(code: number, handler: (packet: Packet) => void): void {
    this.addCommand(code, handler);
  }
}

/** One service on the simulated board, with its packets addressed by the names in its specification. */
export class Endpoint {
  readonly server: PlainServer | ReadingServer;

  /** The bus must know the specification already (option `services` of JDBus). */
  constructor(
    private readonly spec: ServiceSpec,
    initial: Record<string, Values> = {},
  ) {
    const registerValues = Object.entries(initial).map(([name, values]) => ({
      code: this.packet(name, isRegister).identifier,
      values: values as PackedValues,
    }));
    const isSensor = spec.extends.includes('_sensor');
    const Server = isSensor ? ReadingServer : PlainServer;
    this.server = new Server(spec.classIdentifier, { registerValues });
  }

  /** Serves a command. */
  command(name: string, handler: CommandHandler): void {
    const command = this.packet(name, ({ kind }) => kind === 'command');
    const report = this.spec.packets.find(
      ({ kind, identifier }) => kind === 'report' && identifier === command.identifier,
    );
    const reply = (answer: Values): void => {
      if (report !== undefined) this.send(report, answer);
    };
    this.server.handle(command.identifier, (packet) => {
      const answer = handler(unpack(packet.data, command), reply);
      if (answer !== undefined) reply(answer);
    });
  }

  /** Sends an event. */
  event(name: string, values: Values = []): void {
    const event = this.packet(name, ({ kind }) => kind === 'event');
    void this.server.sendEvent(event.identifier, pack(event, values));
  }

  /** Fields of an event as they arrive: rounded to what the wire can carry. */
  onWire(name: string, values: Values): Values {
    const event = this.packet(name, ({ kind }) => kind === 'event');
    return unpack(pack(event, values), event);
  }

  /** Present value of a register. */
  get(name: string): Values {
    return this.register(name).values() as Values;
  }

  /** A register of type bool; the VM writes true as 255. */
  flag(name: string): boolean {
    return this.number(name) !== 0;
  }

  number(name: string): number {
    return Number(this.get(name)[0]);
  }

  set(name: string, ...values: Values): void {
    this.register(name).setValues(values as PackedValues);
  }

  /** Computes a register whenever it is read. */
  computed(name: string, read: () => Values): void {
    const register = this.register(name);
    register.on(REGISTER_PRE_GET, () => register.setValues(read() as PackedValues, true));
  }

  /** Calls back when a client has written a register, whether or not its value changed. */
  written(name: string, handler: (values: Values) => void): void {
    const register = this.register(name);
    register.on(REPORT_RECEIVE, () => handler(register.values() as Values));
  }

  private register(name: string): NonNullable<ReturnType<JDServiceServer['register']>> {
    const { identifier } = this.packet(name, isRegister);
    const register = this.server.register(identifier) ?? this.server.addRegister(identifier);
    if (register === undefined) throw new Error(`${this.spec.name}: no register ${name}`);
    return register;
  }

  private send(info: PacketInfo, values: Values): void {
    void this.server.sendPacketAsync(Packet.from(info.identifier, pack(info, values)));
  }

  private packet(name: string, accept: (info: PacketInfo) => boolean): PacketInfo {
    const found = this.spec.packets.find((info) => info.name === name && accept(info));
    if (found === undefined) throw new Error(`${this.spec.name}: no packet ${name}`);
    return found;
  }
}

function isRegister({ kind }: PacketInfo): boolean {
  return kind === 'rw' || kind === 'ro' || kind === 'const';
}

function pack(info: PacketInfo, values: Values): Uint8Array {
  if (info.packFormat === undefined) return new Uint8Array(0);
  return jdpack(info.packFormat, values as PackedValues);
}

/** Fields of a packet. */
export function unpack(data: Uint8Array, info: PacketInfo): Values {
  if (info.packFormat === undefined) return [];
  return jdunpack(data, info.packFormat) as Values;
}
