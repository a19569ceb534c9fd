/** What a board that means no good can send to the computer that it is plugged into. */
import { expect, it } from 'vitest';
import { crc16, escapeFrame, LinkReader, LONGEST_LINE, packetsOf } from '../../sim/link.ts';
import { Random } from '../support/random.ts';

function read(...pieces: Uint8Array[]): { frames: Uint8Array[]; lines: string[] } {
  const frames: Uint8Array[] = [];
  const lines: string[] = [];
  const reader = new LinkReader({
    onFrame: (frame) => void frames.push(frame),
    onText: (line) => void lines.push(line),
  });
  for (const piece of pieces) reader.feed(piece);
  return { frames, lines };
}

it('a line that never ends is handed over in pieces', () => {
  const endless = new Uint8Array(3 * LONGEST_LINE + 5).fill(0x61);
  const { lines } = read(endless, Buffer.from('b\n'));
  expect(lines.map(({ length }) => length)).toEqual([...Array<number>(3).fill(LONGEST_LINE), 6]);
  expect(lines.join('')).toBe(`${'a'.repeat(endless.length)}b`);
});

it('a frame that never ends is dropped, and the next one is read', () => {
  const begin = Uint8Array.of(0xfe, 0xfc);
  const content = Uint8Array.from([4, 1, ...Array<number>(8).fill(7), 0, 0, 0x80, 0]);
  const crc = crc16(content);
  const frame = Uint8Array.of(crc & 255, crc >> 8, ...content);
  const { frames } = read(begin, new Uint8Array(100_000), escapeFrame(frame));
  expect(frames).toEqual([frame]);
});

it('packets that claim more bytes than their frame has are left out', () => {
  const random = new Random(4);
  for (let n = 0; n < 500; n++) {
    const frame = random.bytes(random.between(16, 252));
    for (const { payload } of packetsOf(frame)) {
      expect(payload.length).toBeLessThanOrEqual(frame.length - 16);
    }
  }
});
