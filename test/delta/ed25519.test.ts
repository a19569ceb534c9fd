import { verify as nodeVerify, createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  BAD_KEY,
  BAD_SIGNATURE,
  chipVerify,
  newKeys,
  OK,
  signed,
  wasmVerify,
  type ChipVerify,
  type Verify,
} from './ed25519-module.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

/** RFC 8032, 7.1: TEST 1, 2, 3 and SHA(abc). */
const VECTORS = [
  {
    key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    key: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    key: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
  {
    key: 'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    message:
      'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    signature:
      'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  },
].map(({ key, message, signature }) => ({
  key: hex(key),
  message: hex(message),
  signature: hex(signature),
}));

/** Order of the group: 2^252 + 27742317777372353535851937790883648493. */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

const toNumber = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

const toBytes = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));

/** Encodings of points of small order, also those that are not canonical. */
const SMALL_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map(hex);

let verify: Verify;
let chip: ChipVerify;

beforeAll(async () => {
  verify = await wasmVerify();
  chip = await chipVerify();
});

function nodeSays(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean {
  const der = Buffer.concat([hex('302a300506032b6570032100'), key]);
  const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return nodeVerify(null, message, publicKey, signature);
}

describe('Ed25519 on the device', () => {
  it('takes the signatures of RFC 8032 and no other bit of them', () => {
    for (const { signature, message, key } of VECTORS) {
      expect(verify(signature, [message], key)).toBe(OK);
      for (let bit = 0; bit < 512; bit += 7) {
        const other = Uint8Array.from(signature);
        other[bit >> 3]! ^= 1 << (bit & 7);
        expect(verify(other, [message], key), `bit ${bit}`).toBe(BAD_SIGNATURE);
      }
      expect(verify(signature, [message, Uint8Array.of(0)], key)).toBe(BAD_SIGNATURE);
    }
  });

  it('agrees with node on messages in any pieces, changed or not', () => {
    const message = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 });
    const damage = fc.option(fc.tuple(fc.nat(95), fc.nat(7)), { freq: 1 });
    fc.assert(
      fc.property(message, damage, (parts, damaged) => {
        const whole = Uint8Array.from(parts.flatMap((part) => [...part]));
        const { raw, privateKey } = newKeys();
        const both = Uint8Array.from([...signed(whole, privateKey), ...raw]);
        if (damaged) both[damaged[0]]! ^= 1 << damaged[1];
        const [signature, key] = [both.slice(0, 64), both.slice(64)];
        const result = verify(signature, parts, key);
        expect(result === OK).toBe(nodeSays(signature, whole, key));
        expect(result === OK).toBe(damaged === null);
      }),
      { numRuns: 150 },
    );
  });

  it('agrees with node on messages of every length around two blocks of the hash', () => {
    const { raw, privateKey } = newKeys();
    for (let length = 0; length <= 320; length++) {
      const message = Uint8Array.from({ length }, (_, i) => i * 7 + length);
      const signature = signed(message, privateKey);
      expect(verify(signature, [message], raw), `${length} bytes`).toBe(OK);
      const half = length >> 1;
      const parts = [message.slice(0, half), message.slice(half)];
      expect(verify(signature, parts, raw), `${length} bytes in two`).toBe(OK);
    }
  });

  it('refuses a signature written with s + the order of the group', () => {
    for (const { signature, message, key } of VECTORS) {
      const s = toNumber(signature.subarray(32)) + ORDER;
      const other = Uint8Array.from([...signature.subarray(0, 32), ...toBytes(s)]);
      expect(verify(other, [message], key)).toBe(BAD_SIGNATURE);
    }
  });

  it('refuses keys for which everybody can sign, and what is no point', () => {
    // R = identity and s = 0 is good for every message under a key of order 1
    const forged = Uint8Array.from([1, ...new Uint8Array(63)]);
    for (const key of SMALL_ORDER) expect(verify(forged, [], key)).toBe(BAD_KEY);
    expect(verify(forged, [], toBytes(2n))).toBe(BAD_KEY);
    expect(verify(forged, [], new Uint8Array(32).fill(255))).toBe(BAD_KEY);
  });

  it('says the same on the emulated RP2040, within stack and flash', () => {
    for (const { signature, message, key } of VECTORS.slice(0, 2)) {
      const good = chip.verify(signature, [message], key);
      expect(good.result).toBe(OK);
      expect(good.stackBytes).toBeLessThanOrEqual(3072);
      expect(good.cycles).toBeLessThan(30_000_000);
      const other = Uint8Array.from(signature);
      other[40]! ^= 4;
      expect(chip.verify(other, [message], key).result).toBe(BAD_SIGNATURE);
    }
    expect(chip.verify(VECTORS[0]!.signature, [], SMALL_ORDER[6]!).result).toBe(BAD_KEY);
    expect(chip.flashBytes).toBeLessThan(24 * 1024);
  });
});
