/**
 * What travels between a board and a computer: Jacdac frames between escape codes, and lines of text
 * (the console) between the frames. The same on USB, on a UART and on the simulator's links.
 */

const ESCAPE = 0xfe;
const BEGIN = 0xfc;
const END = 0xfd;
const LITERAL = 0xf8;
const NEWLINE = 0x0a;
const LONGEST_FRAME = 256;
/** Text is cut here: a board that never ends its line must not fill the computer's memory. */
export const LONGEST_LINE = 4096;

export const FRAME = { command: 0x01, ackWanted: 0x02, broadcast: 0x04, loopback: 0x40 } as const;
export const SERVICE_INDEX = { control: 0, pipe: 0x3e, ack: 0x3f } as const;

/** One packet of a frame. */
export interface LinkPacket {
  /** Sixteen hexadecimal digits: sender of a report, receiver of a command. */
  deviceId: string;
  /** Bits of FRAME. */
  flags: number;
  serviceIndex: number;
  command: number;
  payload: Uint8Array;
}

export interface LinkReaderOptions {
  onFrame: (frame: Uint8Array) => void;
  onText: (line: string) => void;
}

/** Takes the bytes of a link apart. Damaged frames are dropped. */
export class LinkReader {
  private frame?: number[];
  private text: number[] = [];
  private escaped = false;

  constructor(private readonly options: LinkReaderOptions) {}

  feed(bytes: Uint8Array): void {
    for (const byte of bytes) this.take(byte);
  }

  private take(byte: number): void {
    if (this.escaped) {
      this.escaped = false;
      this.takeEscaped(byte);
    } else if (byte === ESCAPE) {
      this.escaped = true;
    } else this.takePlain(byte);
  }

  private takeEscaped(code: number): void {
    if (code === BEGIN) this.frame = [];
    else if (code === LITERAL) this.takePlain(ESCAPE);
    else if (code === END) this.endFrame();
  }

  private takePlain(byte: number): void {
    if (this.frame !== undefined) {
      if (this.frame.length < LONGEST_FRAME) this.frame.push(byte);
    } else if (byte === NEWLINE) {
      this.endLine();
    } else {
      this.text.push(byte);
      if (this.text.length === LONGEST_LINE) this.endLine();
    }
  }

  private endLine(): void {
    const line = Buffer.from(this.text).toString('utf8').replace(/\r$/, '');
    this.text = [];
    this.options.onText(line);
  }

  private endFrame(): void {
    const frame = Uint8Array.from(this.frame ?? []);
    this.frame = undefined;
    if (isWhole(frame)) this.options.onFrame(frame);
  }
}

function isWhole(frame: Uint8Array): boolean {
  if (frame.length < 16 || frame.length !== 12 + (frame[2] as number)) return false;
  return ((frame[0] as number) | ((frame[1] as number) << 8)) === crc16(frame.subarray(2));
}

/** A frame as it goes over a link. */
export function escapeFrame(frame: Uint8Array): Uint8Array {
  const bytes = [ESCAPE, BEGIN];
  for (const byte of frame) {
    if (byte === ESCAPE) bytes.push(ESCAPE, LITERAL);
    else bytes.push(byte);
  }
  bytes.push(ESCAPE, END);
  return Uint8Array.from(bytes);
}

/** CRC-CCITT with initial value 0xffff. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    let x = (crc >> 8) ^ byte;
    x ^= x >> 4;
    crc = ((crc << 8) ^ (x << 12) ^ (x << 5) ^ x) & 0xffff;
  }
  return crc;
}

/** The packets of a frame. */
export function packetsOf(frame: Uint8Array): LinkPacket[] {
  const packets: LinkPacket[] = [];
  const data = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
  const deviceId = Buffer.from(frame.subarray(4, 12)).toString('hex');
  const end = Math.min(frame.length, 12 + data.readUInt8(2));
  for (let at = 12; at + 4 <= end;) {
    const size = data.readUInt8(at);
    if (at + 4 + size > end) break;
    packets.push({
      deviceId,
      flags: data.readUInt8(3),
      serviceIndex: data.readUInt8(at + 1) & 0x3f,
      command: data.readUInt16LE(at + 2),
      payload: frame.slice(at + 4, at + 4 + size),
    });
    at += (4 + size + 3) & ~3;
  }
  return packets;
}

/** A frame with one packet. */
export function frameOf(packet: LinkPacket): Uint8Array {
  const size = packet.payload.length;
  const frame = Buffer.alloc(12 + ((4 + size + 3) & ~3));
  frame.writeUInt8(frame.length - 12, 2);
  frame.writeUInt8(packet.flags, 3);
  Buffer.from(packet.deviceId, 'hex').copy(frame, 4);
  frame.writeUInt8(size, 12);
  frame.writeUInt8(packet.serviceIndex, 13);
  frame.writeUInt16LE(packet.command, 14);
  frame.set(packet.payload, 16);
  frame.writeUInt16LE(crc16(frame.subarray(2)), 0);
  return Uint8Array.from(frame);
}

/** A console line: level mark and text; level ` ` when it is none of the script's. */
export function consoleLine(line: string): { level: string; text: string } {
  const marked = /^\s*(?:DM \(\d+\): ?)?([>*!?#]) ?(.*)$/.exec(line);
  if (marked === null) return { level: ' ', text: line };
  return { level: marked[1] as string, text: marked[2] as string };
}
