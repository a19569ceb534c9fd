/** The desktop and the device read the same files the same way, good ones and bad ones. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeBlob } from '../../fleet/blob.ts';
import { CODINGS, decodePayload } from '../../fleet/coding.ts';
import { type Delta, DeltaError, packDelta, readDelta, signDelta } from '../../fleet/delta.ts';
import { type DeviceReader, deviceReader } from './decoder.ts';
import { goldenDeltas, makeDelta, owner, readGolden } from './golden.ts';

let device: DeviceReader;
beforeAll(async () => {
  device = await deviceReader();
}, 120_000);

/** What the desktop says, as the device would: a file that is not signed is not whole. */
function onDesktop(file: Uint8Array): Delta | string {
  try {
    const delta = readDelta(file, 'x');
    return delta.signature === undefined ? 'truncated' : delta;
  } catch (error) {
    if (!(error instanceof DeltaError)) throw error;
    return error.status;
  }
}

/** Reads a file on both sides. @returns what both say: 'ok', or the reason of the refusal */
function readBoth(file: Uint8Array): string {
  const here = onDesktop(file);
  const there = device.parse(file);
  if (typeof here === 'string' || typeof there === 'string') {
    // an unsigned file may have other faults, which the desktop names first
    if (there !== 'truncated' || here === 'ok') expect(there).toEqual(here);
    return String(there);
  }
  expect(there).toEqual({
    coding: CODINGS.indexOf(here.coding),
    slot: here.slot,
    counter: here.counter,
    base: here.base ?? 0,
    payloadBytes: here.payloadBytes,
    decodedBytes: here.decodedBytes,
    blobCrc: here.blobCrc,
    nameBytes: Buffer.byteLength(here.name),
  });
  const content = decodePayload(here.coding, here.payload, here.decodedBytes);
  for (const piece of [1, 7, 256, 70_000]) {
    const decoded = device.decode(file, here.decodedBytes, piece);
    expect(typeof decoded === 'string' ? decoded : Buffer.from(decoded)).toEqual(
      content === undefined ? 'badCoding' : Buffer.from(content),
    );
  }
  return content === undefined ? 'badCoding' : 'ok';
}

const sizes = { minLength: 0, maxLength: 700 };
const contents = fc.oneof(
  fc.uint8Array(sizes),
  fc
    .array(fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.nat(255)), sizes)
    .map((bytes) => Uint8Array.from(bytes)),
);

/** A delta with a random adapter. */
const deltas = fc
  .tuple(contents, fc.constantFrom(...CODINGS), fc.nat(0xfffffffe), fc.string({ maxLength: 6 }))
  .filter(([, , , name]) => !/\p{Cc}|\p{Cs}/u.test(name))
  .map(([payload, coding, counter, name]) => {
    const blob = writeBlob({ method: 2, rank: 8, modelHash: 1, layoutHash: 2, payload });
    return signDelta(packDelta(blob, 'x', { coding, counter: counter + 1, name }), 'x', owner);
  });

describe('the reader on the device', () => {
  it.each(Object.entries(goldenDeltas()))('reads golden %s', (_, one) => {
    expect(readBoth(makeDelta(one))).toBe('ok');
  });

  it('decodes whatever the desktop packs, to the bit and in pieces of any size', () => {
    fc.assert(
      fc.property(deltas, (file) => {
        expect(readBoth(file)).toBe('ok');
      }),
      { numRuns: 200, seed: 6 },
    );
  });

  it('agrees with the desktop on files with changed bytes', () => {
    const outcomes = new Map<string, number>();
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(deltas, changes, fc.boolean(), (file, edits, inHeader) => {
        const changed = file.slice();
        const end = inHeader ? 52 : changed.length;
        for (const [at, value] of edits) changed[at % end] = value;
        const outcome = readBoth(changed);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }),
      { numRuns: 3000, seed: 7 },
    );
    expect([...outcomes.keys()].sort()).toEqual([
      'badCoding',
      'notADelta',
      'ok',
      'tooLarge',
      'truncated',
    ]);
  });

  it('agrees with the desktop on streams of noise', () => {
    const template = readGolden('entropy.delta');
    const noise = fc.uint8Array({ maxLength: 80 });
    let taken = 0;
    fc.assert(
      fc.property(noise, fc.nat(2), fc.nat(200), (payload, coding, size) => {
        const header = Buffer.from(template.slice(0, 48));
        header[5] = 48;
        header[6] = coding;
        header[19] = 0;
        header.writeUInt32LE(payload.length, 36);
        header.writeUInt32LE(size, 40);
        const outcome = readBoth(Uint8Array.from([...header, ...payload, ...Buffer.alloc(64)]));
        if (outcome === 'ok') taken++;
        else expect(outcome).toBe('badCoding');
      }),
      { numRuns: 3000, seed: 8 },
    );
    expect(taken).toBeGreaterThan(0);
  });

  it('refuses every file that is cut off', () => {
    const whole = readGolden('sparse.delta');
    for (let length = 0; length < whole.length; length++) {
      expect(device.parse(whole.slice(0, length))).toBe('truncated');
    }
  });
});
