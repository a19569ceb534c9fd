import { describe, expect, it } from 'vitest';
import {
  consoleLine,
  crc16,
  escapeFrame,
  frameOf,
  type LinkPacket,
  LinkReader,
  packetsOf,
} from '../../sim/link.ts';

const packet: LinkPacket = {
  deviceId: '1d46a30eef48919f',
  flags: 1,
  serviceIndex: 3,
  command: 0x2080,
  payload: Uint8Array.of(0xfe, 0, 0xfc, 0xfe, 0xfd),
};

function read(...pieces: Uint8Array[]): { frames: Uint8Array[]; lines: string[] } {
  const frames: Uint8Array[] = [];
  const lines: string[] = [];
  const reader = new LinkReader({
    onFrame: (frame) => frames.push(frame),
    onText: (line) => lines.push(line),
  });
  for (const piece of pieces) reader.feed(piece);
  return { frames, lines };
}

const text = (line: string): Uint8Array => Uint8Array.from(Buffer.from(line));

describe('link', () => {
  it('has the checksum of the Jacdac specification', () => {
    expect(crc16(text('123456789'))).toBe(0x29b1); // CRC-16/CCITT-FALSE
  });

  it('carries frames and lines of text past each other, in any cut', () => {
    const frame = frameOf(packet);
    const bytes = Buffer.concat([
      text('> before\n'),
      escapeFrame(frame),
      text('> ä 😀\r\n> half'),
      escapeFrame(frame),
      text(' done\n'),
    ]);
    const whole = read(bytes);
    expect(whole.lines).toEqual(['> before', '> ä 😀', '> half done']);
    expect(whole.frames).toEqual([frame, frame]);
    expect(read(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  it('takes packets apart as they were put together', () => {
    expect(packetsOf(frameOf(packet))).toEqual([packet]);
  });

  it('drops what is damaged, cut off or too long, and goes on', () => {
    const frame = frameOf(packet);
    const damaged = frame.slice();
    damaged[13] = 7;
    const cut = escapeFrame(frame).slice(0, -6);
    const long = escapeFrame(new Uint8Array(300));
    const { frames } = read(
      escapeFrame(damaged),
      cut,
      escapeFrame(frame),
      long,
      escapeFrame(frame),
    );
    expect(frames).toEqual([frame, frame]);
  });

  it('never escapes twice what needs no escape', () => {
    const escaped = escapeFrame(frameOf(packet));
    expect(escaped.slice(0, 2)).toEqual(Uint8Array.of(0xfe, 0xfc));
    expect(escaped.slice(-2)).toEqual(Uint8Array.of(0xfe, 0xfd));
    expect([...escaped].filter((byte) => byte === 0xf8)).toHaveLength(2);
  });

  it('knows the console by its marks', () => {
    expect(consoleLine('> hello')).toEqual({ level: '>', text: 'hello' });
    expect(consoleLine('DM (1234): ! oh')).toEqual({ level: '!', text: 'oh' });
    expect(consoleLine('booting')).toEqual({ level: ' ', text: 'booting' });
    expect(consoleLine('> ')).toEqual({ level: '>', text: '' });
  });
});
