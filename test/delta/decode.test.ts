/** The C parser and decoders against fleet/: golden files, random content, damaged streams. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodePayload, encodePayload, type Coding, CODINGS } from '../../fleet/coding.ts';
import { DeltaError, packDelta, readDelta, signDelta } from '../../fleet/delta.ts';
import { writeBlob } from '../../fleet/blob.ts';
import { goldenDeltas, owner, readGolden } from '../fleet/golden.ts';
import { Board } from './board.ts';

let board: Board;

beforeAll(async () => {
  const none = { modelHash: 1, layoutHash: 2, method: 1, rank: 0, payloadBytes: 1 };
  board = await Board.create(none);
});

const kind = { method: 2, rank: 8, modelHash: 0x12345678, layoutHash: 0x9abcdef0 };

function fileOf(payload: Uint8Array, coding: Coding): Uint8Array {
  const packed = packDelta(writeBlob({ ...kind, payload }), 'test', { counter: 1, coding });
  return signDelta(packed, 'test', owner);
}

/** The same file with another payload, its size in the header kept right. */
function withPayload(file: Uint8Array, payload: Uint8Array): Uint8Array {
  const header = Buffer.from(file.slice(0, file[5]));
  header.writeUInt32LE(payload.length, 36);
  return Uint8Array.from([...header, ...payload, ...new Uint8Array(64)]);
}

function tsParse(file: Uint8Array): string {
  try {
    return readDelta(file, 'test').signature === undefined ? 'truncated' : 'ok';
  } catch (error) {
    if (error instanceof DeltaError) return error.status;
    throw error;
  }
}

/** Adapters are peaky around 0; differences mostly 0. */
const content = fc
  .oneof(
    fc.uint8Array({ minLength: 1, maxLength: 700 }),
    fc.array(fc.constantFrom(0, 0, 0, 0, 1, 255, 3), { minLength: 1, maxLength: 700 }),
  )
  .map((bytes) => Uint8Array.from(bytes));

describe('a delta in C', () => {
  it('the golden files are read and decoded to the same bytes', () => {
    for (const name of Object.keys(goldenDeltas())) {
      const file = readGolden(name);
      const { coding, payload, decodedBytes } = readDelta(file, name);
      expect(board.parse(file), name).toBe('ok');
      const expected = decodePayload(coding, payload, decodedBytes);
      expect(board.decode(file, decodedBytes, 232), name).toEqual(expected);
    }
  });

  it('any content in any coding, in pieces of any size', () => {
    const coding = fc.constantFrom(...CODINGS);
    fc.assert(
      fc.property(content, coding, fc.integer({ min: 1, max: 300 }), (bytes, how, piece) => {
        expect(board.decode(fileOf(bytes, how), bytes.length, piece)).toEqual(bytes);
      }),
      { numRuns: 300 },
    );
  });

  it('a damaged stream is taken, or refused, as the desktop does', () => {
    let refused = 0;
    const coding = fc.constantFrom('sparse', 'entropy') as fc.Arbitrary<Coding>;
    const change = fc.record({
      at: fc.nat(),
      byte: fc.integer({ min: 1, max: 255 }),
      cut: fc.integer({ min: -3, max: 3 }),
    });
    fc.assert(
      fc.property(content, coding, change, (bytes, how, { at, byte, cut }) => {
        const payload = encodePayload(how, bytes);
        payload[at % payload.length]! ^= byte;
        const length = Math.max(0, payload.length + cut);
        const changed = Uint8Array.from({ length }, (_, i) => payload[i] ?? 0);
        const expected = decodePayload(how, changed, bytes.length) ?? 'badCoding';
        if (expected === 'badCoding') refused++;
        const file = withPayload(fileOf(bytes, how), changed);
        expect(board.decode(file, bytes.length, 64)).toEqual(expected);
      }),
      { numRuns: 600 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  it('a stream of noise never decodes past its end', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 1, max: 900 }),
        (noise, size) => {
          for (const how of CODINGS) {
            const file = withPayload(fileOf(new Uint8Array(size), how), noise);
            const expected = decodePayload(how, noise, size) ?? 'badCoding';
            expect(board.decode(file, size, 100)).toEqual(expected);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('a header with any byte changed is judged as on the desktop', () => {
    const names = ['', 'a', 'Zoë ☃', '𝄞x'];
    const seen = new Set<string>();
    for (const name of names) {
      const blob = writeBlob({ ...kind, payload: Uint8Array.of(1, 2, 3) });
      const whole = signDelta(packDelta(blob, 'test', { counter: 9, name }), 'test', owner);
      for (let at = 0; at < whole[5]!; at++) {
        for (let byte = 0; byte < 256; byte++) {
          const file = Uint8Array.from(whole);
          file[at] = byte;
          const status = board.parse(file);
          seen.add(status);
          expect(status, `byte ${at} of "${name}" = ${byte}`).toBe(tsParse(file));
        }
      }
      for (let size = 0; size < whole.length; size++) {
        expect(board.parse(whole.slice(0, size))).toBe(tsParse(whole.slice(0, size)));
      }
      expect(board.parse(Uint8Array.from([...whole, 0]))).toBe('truncated');
    }
    expect([...seen].sort()).toEqual(['notADelta', 'ok', 'tooLarge', 'truncated']);
  });

  it('names are UTF-8 without control characters, by the same rules', () => {
    const bytes = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 24 });
    const text = fc
      .string({ unit: 'binary', maxLength: 6, minLength: 1 })
      .map((s) => [...Buffer.from(s)]);
    fc.assert(
      fc.property(fc.oneof(bytes, text), (name) => {
        fc.pre(name.length > 0 && name.length <= 24);
        const blob = writeBlob({ ...kind, payload: Uint8Array.of(1) });
        const packed = packDelta(blob, 'test', { counter: 1, name: 'x'.repeat(name.length) });
        const file = signDelta(packed, 'test', owner);
        file.set(name, 48);
        expect(board.parse(file)).toBe(tsParse(file));
      }),
      { numRuns: 3000 },
    );
  });
});
