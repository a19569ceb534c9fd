/**
 * A client of one service on a board, over frames alone: finds it by its announcements, sends
 * commands until the report comes, reads registers. Time passes in the link's `wait` only, so that it
 * works in virtual time as in real time.
 */
import { RetuneError } from '../cli/error.ts';
import { FRAME, frameOf, type LinkPacket, packetsOf } from '../sim/link.ts';
import { type BoardLink, type OpenBoardLink, TINY_MS } from './board-link.ts';

const GET_REGISTER = 0x1000;
const CONTROL = 0;
const ANNOUNCE = 0;
/** A command that was not answered is sent again after this. */
const AGAIN_MS = 250;
const ATTEMPTS = 20;
/** Within this time every device has announced itself. */
const ANNOUNCED_MS = 600;

export interface CallOptions {
  /** Milliseconds until the same packet is sent again. */
  againMs?: number;
  /** How often it is sent before we give up. */
  attempts?: number;
}

/** Nobody answered. */
export class SilenceError extends RetuneError {
  override name = 'SilenceError';
}

export class ServiceClient {
  private readonly services = new Map<string, number[]>();
  private readonly waiting = new Map<number, (payload: Uint8Array) => void>();
  private link!: BoardLink;
  private index = 0;
  private id = '';

  private constructor(
    private readonly serviceClass: number,
    private readonly name: string,
  ) {}

  /** Connects, and finds the one device that has the service, or the one named. */
  static async connect(
    open: OpenBoardLink,
    service: { serviceClass: number; name: string },
    { device, timeout }: { device?: string; timeout: number },
  ): Promise<ServiceClient> {
    const client = new ServiceClient(service.serviceClass, service.name);
    client.link = await open((frame) => packetsOf(frame).forEach((one) => client.onPacket(one)));
    try {
      await client.find(device, timeout);
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  }

  get deviceId(): string {
    return this.id;
  }

  close(): void {
    this.link.close();
  }

  /** Lets so many milliseconds pass. */
  pause(ms: number): Promise<void> {
    return this.waitFor(() => false, ms);
  }

  /** Sends a command until its report comes. */
  async call(command: number, payload: Uint8Array, options: CallOptions = {}): Promise<Buffer> {
    const { againMs = AGAIN_MS, attempts = ATTEMPTS } = options;
    let report: Uint8Array | undefined;
    this.waiting.set(command, (bytes) => (report = bytes));
    try {
      for (let attempt = 0; attempt < attempts && report === undefined; attempt++) {
        this.send(command, payload);
        await this.waitFor(() => report !== undefined, againMs);
      }
    } finally {
      this.waiting.delete(command);
    }
    if (report === undefined) {
      const seconds = (againMs * attempts) / 1000;
      throw new SilenceError(
        `device ${this.id} has not answered within ${seconds} s; connect it again and repeat, ` +
          'what it has received is kept',
      );
    }
    return Buffer.from(report);
  }

  readRegister(code: number): Promise<Buffer> {
    return this.call(GET_REGISTER | code, new Uint8Array());
  }

  private send(command: number, payload: Uint8Array): void {
    const packet = { deviceId: this.id, flags: FRAME.command, serviceIndex: this.index };
    this.link.send(frameOf({ ...packet, command, payload }));
  }

  private onPacket({ deviceId, flags, serviceIndex, command, payload }: LinkPacket): void {
    if ((flags & FRAME.command) !== 0) return;
    if (serviceIndex === CONTROL && command === ANNOUNCE) this.onAnnounce(deviceId, payload);
    if (deviceId !== this.id || serviceIndex !== this.index) return;
    this.waiting.get(command)?.(payload);
  }

  /** Flags and counters, then the class of every service from index 1 on. */
  private onAnnounce(deviceId: string, payload: Uint8Array): void {
    const data = Buffer.from(payload);
    const classes: number[] = [];
    for (let at = 4; at + 4 <= data.length; at += 4) classes.push(data.readUInt32LE(at));
    this.services.set(deviceId, classes);
  }

  private async find(device: string | undefined, timeout: number): Promise<void> {
    const present = (): string[] =>
      [...this.services]
        .filter(([id, classes]) => classes.includes(this.serviceClass) && (device ?? id) === id)
        .map(([id]) => id);
    await this.waitFor(() => present().length > 0, 1000 * timeout);
    if (device === undefined && present().length > 0) {
      await this.waitFor(() => present().length > 1, ANNOUNCED_MS);
    }
    const found = present();
    const [id] = found;
    if (id === undefined) {
      const which = device === undefined ? 'no device' : `no device ${device}`;
      const heard = [...this.services.keys()].join(', ');
      throw new RetuneError(
        `${which} with service ${this.name} within ${timeout} s` +
          (heard === '' ? '; switch it on and check the port' : ` (heard ${heard})`),
      );
    }
    if (found.length > 1) {
      throw new RetuneError(
        `several devices have service ${this.name}: ${found.join(', ')}; name one with --device`,
      );
    }
    this.id = id;
    this.index = (this.services.get(id) ?? []).indexOf(this.serviceClass) + 1;
  }

  private async waitFor(isDone: () => boolean, ms: number): Promise<void> {
    const end = this.link.now() + ms;
    for (let rest = ms; rest > TINY_MS && !isDone(); rest = end - this.link.now()) {
      await this.link.wait(rest);
    }
  }
}
