/** The file format: golden files, round trips, and a reason for everything that is refused. */
import { sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blobCrc, readBlob, writeBlob } from '../../fleet/blob.ts';
import {
  DeltaError,
  isSignedBy,
  packDelta,
  readDelta,
  signDelta,
  type Status,
  unpackDelta,
} from '../../fleet/delta.ts';
import { publicKeyFrom, rawPublicKey, signMessage, verifyMessage } from '../../fleet/keys.ts';
import {
  goldenDeltas,
  makeDelta,
  owner,
  ownerPublic,
  privateKeyFrom,
  readGolden,
  RFC_PUBLIC,
} from './golden.ts';

const skip = readGolden('skip.adapter');
const stranger = privateKeyFrom('00'.repeat(32));

function statusOf(work: () => unknown): Status | 'taken' {
  try {
    work();
    return 'taken';
  } catch (error) {
    if (!(error instanceof DeltaError)) throw error;
    expect(error.message).toMatch(/^x: /);
    return error.status;
  }
}

describe.each(Object.entries(goldenDeltas()))('golden %s', (name, one) => {
  const bytes = readGolden(name);

  it('is what packing and signing give today', () => {
    expect(Buffer.from(makeDelta(one))).toEqual(Buffer.from(bytes));
  });

  it('says what it is, is signed by the owner and holds the adapter', () => {
    const delta = readDelta(bytes, name);
    const { options } = one;
    expect(delta).toMatchObject({
      counter: options.counter,
      coding: options.coding,
      name: options.name ?? '',
      slot: options.slot ?? 255,
      device: options.device,
      base: one.base === undefined ? undefined : blobCrc(one.base),
    });
    expect(isSignedBy(delta, ownerPublic)).toBe(true);
    expect(Buffer.from(unpackDelta(delta, name, one.base))).toEqual(Buffer.from(one.blob));
  });
});

describe('the digits adapter as a delta', () => {
  it('takes at most 4 KB raw, and less coded', () => {
    const size = (options: Partial<Parameters<typeof packDelta>[2]>): number =>
      signDelta(packDelta(skip, 'x', { counter: 1, ...options }), 'x', owner).length;
    const longest = 'n'.repeat(24);
    expect(size({ coding: 'raw', name: longest })).toBe(48 + 24 + 3934 + 64);
    expect(size({ coding: 'raw', name: longest })).toBeLessThanOrEqual(4096);
    expect(size({})).toBe(size({ coding: 'entropy' }));
    expect(size({})).toBeLessThan(2900);
    expect(size({ base: readGolden('base.adapter') })).toBeLessThan(1800);
  });
});

describe('Ed25519', () => {
  // RFC 8032, section 7.1: secret, public, message, signature
  const vectors = [
    [
      '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      '72',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
    [
      'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
      'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
      'af82',
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    ],
  ] as const;

  it.each(vectors)(
    'signs and verifies the vector of %s',
    (secret, publicKey, message, signature) => {
      const key = privateKeyFrom(secret);
      expect(Buffer.from(rawPublicKey(key)).toString('hex')).toBe(publicKey);
      const bytes = Buffer.from(message, 'hex');
      expect(Buffer.from(signMessage(bytes, key)).toString('hex')).toBe(signature);
      const trusted = publicKeyFrom(Buffer.from(publicKey, 'hex'));
      expect(verifyMessage(bytes, Buffer.from(signature, 'hex'), trusted)).toBe(true);
      const other = Buffer.from(signature, 'hex');
      other[40] = (other[40] ?? 0) ^ 1;
      expect(verifyMessage(bytes, other, trusted)).toBe(false);
    },
  );
});

describe('a delta that was tampered with', () => {
  const bytes = readGolden('raw.delta');

  it('is signed by nobody, whichever byte was changed', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = bytes.slice();
        changed[at] = (changed[at] ?? 0) ^ flip;
        let isTaken = false;
        try {
          isTaken = isSignedBy(readDelta(changed, 'x'), ownerPublic);
        } catch (error) {
          if (!(error instanceof DeltaError)) throw error;
        }
        expect(isTaken).toBe(false);
      }),
      { numRuns: 300, seed: 3 },
    );
  });

  it("is not the owner's when a stranger signs it", () => {
    expect(isSignedBy(readDelta(signDelta(bytes, 'x', stranger), 'x'), ownerPublic)).toBe(false);
    const key = Buffer.from(rawPublicKey(owner)).toString('hex');
    expect(key).toBe(RFC_PUBLIC);
  });

  it('is refused at every length but its own', () => {
    for (const length of [0, 1, 47, 48, 60, 2000, bytes.length - 65, bytes.length - 1]) {
      expect(statusOf(() => readDelta(bytes.slice(0, length), 'x'))).toBe('truncated');
    }
    expect(statusOf(() => readDelta(Uint8Array.of(...bytes, 0), 'x'))).toBe('truncated');
    expect(readDelta(bytes.slice(0, -64), 'x').signature).toBeUndefined();
  });

  const field: [string, number, number, Status][] = [
    ['magic', 0, 0, 'notADelta'],
    ['version', 4, 2, 'notADelta'],
    ['bytes of the header', 5, 47, 'notADelta'],
    ['coding', 6, 3, 'notADelta'],
    ['slot', 7, 8, 'notADelta'],
    ['method', 16, 0, 'notADelta'],
    ['method', 16, 4, 'notADelta'],
    ['precision', 18, 4, 'notADelta'],
    ['bytes of the name', 19, 25, 'notADelta'],
    ['decoded bytes', 42, 1, 'tooLarge'],
    ['payload bytes', 36, 0, 'truncated'],
    ['name, no UTF-8', 48, 0xff, 'notADelta'],
    ['name, a control character', 49, 10, 'notADelta'],
  ];
  it.each(field)('is refused for its %s (offset %i: %i)', (_, at, value, status) => {
    const changed = bytes.slice();
    changed[at] = value;
    expect(statusOf(() => readDelta(changed, 'x'))).toBe(status);
  });

  it('is refused for counter 0', () => {
    const changed = bytes.slice();
    changed.fill(0, 20, 24);
    expect(statusOf(() => readDelta(changed, 'x'))).toBe('notADelta');
  });

  it('never makes the reader throw anything else, whatever the bytes', () => {
    const head = fc.uint8Array({ minLength: 0, maxLength: 120 });
    fc.assert(
      fc.property(head, (noise) => {
        const file = bytes.slice(0, 200);
        file.set(noise.subarray(0, 70), 4);
        for (const one of [noise, file]) {
          expect(statusOf(() => readDelta(one, 'x'))).toMatch(/./);
        }
      }),
      { numRuns: 500, seed: 4 },
    );
  });
});

describe('unpacking', () => {
  const base = readGolden('base.adapter');

  it('needs the very base that was packed with', () => {
    const delta = readDelta(readGolden('base.delta'), 'x');
    expect(statusOf(() => unpackDelta(delta, 'x'))).toBe('wrongBase');
    expect(statusOf(() => unpackDelta(delta, 'x', skip))).toBe('wrongBase');
    expect(statusOf(() => unpackDelta(delta, 'x', base.slice(0, 100)))).toBe('wrongBase');
    expect(statusOf(() => unpackDelta(delta, 'x', base))).toBe('taken');
  });

  it('notices a payload that is no stream, and one of another adapter', () => {
    const delta = readDelta(readGolden('entropy.delta'), 'x');
    const cut = { ...delta, payload: delta.payload.slice(0, -1) };
    expect(statusOf(() => unpackDelta(cut, 'x'))).toBe('badCoding');
    const raw = readDelta(readGolden('raw.delta'), 'x');
    const payload = raw.payload.slice();
    payload[100] = (payload[100] ?? 0) ^ 1;
    expect(statusOf(() => unpackDelta({ ...raw, payload }, 'x'))).toBe('badAdapter');
  });
});

describe('packing', () => {
  it('refuses what is no adapter, another model than the base, and a long name', () => {
    const options = { counter: 1 };
    expect(() => packDelta(Uint8Array.of(1, 2), 'a.bin', options)).toThrow(
      'a.bin: is no saved adapter',
    );
    expect(() => packDelta(skip.slice(0, -1), 'a.bin', options)).toThrow('a.bin: is cut off');
    const damaged = skip.slice();
    damaged[2000] = (damaged[2000] ?? 0) ^ 1;
    expect(() => packDelta(damaged, 'a.bin', options)).toThrow('its checksum is wrong');
    const base = readGolden('head.adapter');
    expect(() => packDelta(skip, 'a.bin', { ...options, base })).toThrow('another model');
    expect(() => packDelta(skip, 'a.bin', { ...options, name: 'ü'.repeat(13) })).toThrow(
      'at most 24 bytes',
    );
    expect(() => packDelta(skip, 'a.bin', { ...options, name: 'a\nb' })).toThrow('control');
  });

  it('gives back any adapter, over any base', () => {
    const kind = { method: 2, rank: 3, modelHash: 0xfedcba98, layoutHash: 7 };
    const payloads = fc.integer({ min: 0, max: 400 }).chain((length) => {
      const bytes = fc.uint8Array({ minLength: length, maxLength: length });
      return fc.tuple(bytes, bytes);
    });
    fc.assert(
      fc.property(
        payloads,
        fc.string({ unit: 'grapheme-ascii', maxLength: 24 }),
        ([a, b], name) => {
          const blob = writeBlob({ ...kind, payload: a });
          const base = writeBlob({ ...kind, payload: b });
          for (const one of [undefined, base]) {
            const bytes = packDelta(blob, 'x', { counter: 9, base: one, name });
            const delta = readDelta(bytes, 'x');
            expect(delta.name).toBe(name);
            expect(unpackDelta(delta, 'x', one)).toEqual(blob);
          }
        },
      ),
      { numRuns: 100, seed: 5 },
    );
    expect(readBlob(writeBlob({ ...kind, payload: new Uint8Array() }))).toMatchObject(kind);
  });

  it('signs as node:crypto does, over everything before the signature', () => {
    const packed = packDelta(skip, 'x', { counter: 1 });
    const signed = signDelta(packed, 'x', owner);
    expect(signed.slice(0, packed.length)).toEqual(packed);
    expect(Buffer.from(signed.slice(packed.length))).toEqual(sign(null, packed, owner));
    // signing again replaces
    expect(signDelta(signDelta(packed, 'x', stranger), 'x', owner)).toEqual(signed);
  });
});
