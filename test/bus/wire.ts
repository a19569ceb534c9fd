/** The serial link from the computer's side, by jacdac-ts: an implementation that is not ours. */
import { Packet as JacdacPacket } from '../../sim/jacdac.ts';
import type { Packet } from './node.ts';

const ESCAPE = 0xfe;
const BEGIN = 0xfc;
const END = 0xfd;
const LITERAL = 0xf8;

export function idText(device: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(device);
  return bytes.toString('hex');
}

export function idOf(text: string): bigint {
  return Buffer.from(text, 'hex').readBigUInt64LE();
}

/** The frame of one packet, built and summed by jacdac-ts. */
export function frameOf({ device, command, flags, index, payload }: Packet): Uint8Array {
  const packet = JacdacPacket.from(command, payload);
  packet.serviceIndex = index;
  packet.deviceIdentifier = idText(device);
  const frame = Uint8Array.from(JacdacPacket.fromFrame(packet.toBuffer(), 0)[0]?.toBuffer() ?? []);
  return sum(withFlags(frame, flags));
}

function withFlags(frame: Uint8Array, flags: number): Uint8Array {
  frame[3] = flags;
  return frame;
}

/** CRC-CCITT bit by bit, unlike the table of the firmware. */
export function crc(bytes: Uint8Array): number {
  let value = 0xffff;
  for (const byte of bytes) {
    value ^= byte << 8;
    for (let i = 0; i < 8; i++)
      value = (value & 0x8000 ? (value << 1) ^ 0x1021 : value << 1) & 0xffff;
  }
  return value;
}

function sum(frame: Uint8Array): Uint8Array {
  const value = crc(frame.subarray(2));
  frame[0] = value & 0xff;
  frame[1] = value >> 8;
  return frame;
}

/** One frame with several packets in it. */
export function frameOfAll(device: bigint, flags: number, packets: Packet[]): Uint8Array {
  const parts = packets.map((packet) => {
    const part = frameOf({ ...packet, device, flags }).subarray(12);
    return [...part, ...Array((4 - (part.length & 3)) & 3).fill(0)];
  });
  const head = frameOf({ ...(packets[0] as Packet), device, flags }).slice(0, 12);
  const frame = Uint8Array.from([...head, ...parts.flat()]);
  frame[2] = frame.length - 12;
  return sum(frame);
}

export function escape(frame: Uint8Array): number[] {
  const body = [...frame].flatMap((byte) => (byte === ESCAPE ? [ESCAPE, LITERAL] : [byte]));
  return [ESCAPE, BEGIN, ...body, ESCAPE, END];
}

export interface Received {
  frames: Uint8Array[];
  /** What came between the frames. */
  text: string;
}

export function unescape(bytes: Uint8Array): Received {
  const frames: Uint8Array[] = [];
  const text: number[] = [];
  let frame: number[] | undefined;
  for (let i = 0; i < bytes.length; i++) {
    let byte = bytes[i] as number;
    if (byte === ESCAPE) {
      const code = bytes[++i];
      if (code === BEGIN) {
        frame = [];
        continue;
      }
      if (code === END) {
        frames.push(Uint8Array.from(frame ?? []));
        frame = undefined;
        continue;
      }
      if (code !== LITERAL) throw new Error(`stray escape ${code}`);
      byte = ESCAPE;
    }
    (frame ?? text).push(byte);
  }
  return { frames, text: new TextDecoder().decode(Uint8Array.from(text)) };
}

/** The packets of frames whose checksum is right; throws at a wrong one. */
export function packetsOf(bytes: Uint8Array): Packet[] {
  return unescape(bytes).frames.flatMap((frame) => {
    if ((frame[0] ?? 0) + (frame[1] ?? 0) * 256 !== crc(frame.subarray(2))) throw new Error('crc');
    return JacdacPacket.fromFrame(frame, 0).map((packet) => ({
      device: idOf(packet.deviceIdentifier),
      command: packet.serviceCommand,
      flags: frame[3] as number,
      index: packet.serviceIndex,
      payload: packet.data,
    }));
  });
}
